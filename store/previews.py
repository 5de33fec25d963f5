"""The pictures of versions that were looked up: fetched once, shown from here ever after."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import BadInput, CuratorError, NotFound
from .files import write_atomic
from .gallery import ServedFile, served
from .gallery_files import dump
from .jobs import Jobs
from .json_values import mappings, text
from .lora_lookup import card_id
from .media import format_of, opened
from .names import inside, is_safe_name
from .remote.civitai import CivitAI
from .thumbnails import Decoder
from .videos import video_frame

log = logging.getLogger(__name__)

_LIMIT = 64 << 20
_MOST = 500
"""Pictures of one model."""


class Previews:
    """Everything below `<data>/lookup/`: `<model>/previews/<picture>.jpeg` and its JSON."""

    def __init__(self, root: Path, civitai: CivitAI, decoder: Decoder, jobs: Jobs) -> None:
        self._root = root
        self._civitai = civitai
        self._decoder = decoder
        self._jobs = jobs
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Mapping[str, Any]]] = deque()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def fetch(self, model: Mapping[str, Any]) -> None:
        """Begin to fetch the pictures of these versions (as studio.md §4 has them) that are not
        here, in a thread of its own.
        """
        model_id = model.get("model_id")
        images = [
            image
            for version in mappings(model.get("versions"))
            for image in mappings(version.get("images"))
        ]
        if not isinstance(model_id, int) or not images:
            return
        with self._lock:
            self._waiting.extend((model_id, image) for image in images[:_MOST])
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._work, name="curator-previews", daemon=True
                )
                self._thread.start()

    def file(self, model_id: int, name: str) -> ServedFile:
        """A preview or its JSON. Raises BadInput for a name that is none, NotFound."""
        if not is_safe_name(name) or name.startswith("."):
            raise BadInput("Invalid path", field="filename")
        folder = self._folder(model_id)
        path = inside(self._root, str(model_id), "previews", name)
        if not folder.is_dir() or not path.is_file():
            raise NotFound("There is no such preview.")
        return served(path, name)

    def close(self) -> None:
        """Leave the rest for another time."""
        self._closing.set()
        thread = self._thread
        if thread:
            thread.join(2.0)

    def _folder(self, model_id: int) -> Path:
        return self._root / str(model_id) / "previews"

    def _work(self) -> None:
        """Top of a thread."""
        try:
            with self._jobs.running("previews", title="Previews", unit="pictures") as job:
                for model_id, image in self._taken():
                    job.total = job.done + len(self._waiting) + 1
                    self._fetch(model_id, image)
                    job.advance()
        except Exception:
            log.exception("fetching previews")
        finally:
            with self._lock:
                self._thread = None
                self._waiting.clear()

    def _taken(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        while not self._closing.is_set():
            with self._lock:
                if not self._waiting:
                    return
                taken = self._waiting.popleft()
            yield taken

    def _fetch(self, model_id: int, image: Mapping[str, Any]) -> None:
        """Whatever keeps one from coming costs only that one."""
        said = image.get("id")
        key = str(said) if isinstance(said, (int, str)) and said else card_id(image)
        address = text(image.get("url"))
        target = self._folder(model_id) / f"{key}.jpeg"
        if not is_safe_name(target.name) or not address or target.exists():
            return
        incoming = self._root / f"incoming-{secrets.token_hex(8)}.part"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with incoming.open("wb") as file:
                self._civitai.download(address, file, limit=_LIMIT, check=self._check)
            data = self._decoder.run(lambda: _picture(incoming))
            told = {**image, "url": address.partition("?")[0]}
            write_atomic(target.with_suffix(".json"), dump(told))
            write_atomic(target, data)
        except (CuratorError, OSError) as error:
            log.info("preview %s did not come: %s", key, error)
        finally:
            incoming.unlink(missing_ok=True)

    def _check(self) -> None:
        if self._closing.is_set():
            raise NotFound("Curator is closing.")


def _picture(path: Path) -> bytes:
    """The file, if it is a picture; of a video a frame as JPEG. Raises WrongType, TooLarge."""
    kind = format_of(path)
    if kind.kind == "video":
        from io import BytesIO

        target = BytesIO()
        video_frame(path).convert("RGB").save(target, "JPEG", quality=85)
        return target.getvalue()
    with opened(path, kind) as image:
        image.load()
    return path.read_bytes()
