"""Uploads by address: what is meant, and its bytes through the queue of the transfers."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from pathlib import Path

from .catalog_entries import without_keys
from .civitai_uploads import CivitAIUploads
from .engine import Collection
from .errors import BadInput, CuratorError, TooLarge, UpstreamFailed
from .hub_uploads import HubUploads
from .jobs import Job
from .model_addresses import Meant, OfAddress, OfCivitAI, OfHuggingFace, understand
from .names import safe_name
from .remote.addresses import AddressRefused, check_foreign, check_public, resolve
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace
from .settings import Settings
from .source_entries import address_entry
from .transfer_patience import Stop
from .transfer_records import Upload, Wanted, id_of_upload
from .transfers import Transfers
from .upload_asked import Asked
from .upload_records import Fetched, Found, Json

_LOOK_SECONDS = 0.25
_NOT_MODELS = ("asset", "text")
"""Kinds that a web page may be."""
_BARE_NAME = re.compile(r"[\w][\w.-]{0,95}")


class UploadSources:
    """Finds out what an address means, and fetches it. All methods are thread-safe."""

    def __init__(
        self,
        settings: Settings,
        civitai: CivitAI,
        huggingface: HuggingFace,
        transfers: Transfers,
        records: Collection,
    ) -> None:
        """`records` are those of the uploads; to be made before the transfers start."""
        self._settings = settings
        self._http = civitai.http
        self._civitai = CivitAIUploads(civitai)
        self._hub = HubUploads(huggingface, settings)
        self._transfers = transfers
        self._records = records
        self._changed = threading.Condition()
        self._over: dict[str, CuratorError | None] = {}
        """How what is waited for has ended."""
        transfers.deliver_to(self)

    def resolve(self, asked: Asked) -> Found:
        """What is to be fetched, told before anything is kept.

        Raises BadInput naming the field (also for a key or token that is wanted), NotFound,
        Impossible with `choices` where one is to be picked, TooLarge, upstream's errors.
        """
        if asked.civitai_model_url:
            found = self._resolve_civitai(asked)
        elif asked.hugging_face_model_name:
            found = self._resolve_hub(asked)
        else:
            found = self._resolve_address(asked)
        limit = self._limit
        if found.file_size > limit:
            raise TooLarge(
                f"The file has {found.file_size:,} bytes; the setting upload_limit_mb allows "
                f"{limit:,}."
            )
        return found

    def fetch(
        self,
        upload_id: str,
        fetch: Json,
        path: Path,
        *,
        job: Job,
        stop: Stop,
        save: Callable[[Json], None],
    ) -> Fetched:
        """The file lies at `path` when this returns; called again after a kill it goes on.

        Raises Stopped, and then a later call goes on; CuratorError when it will not come.
        """
        with self._changed:
            self._over.pop(upload_id, None)
        under_way = self._transfers.of_upload(upload_id) is not None
        came = self._came(upload_id)
        if came and path.is_file():
            return came
        if not under_way:
            # Of a file that no transfer has brought nothing is known.
            path.unlink(missing_ok=True)
            self._transfers.request(self._wanted(upload_id, fetch, path))
        while True:
            stop.check()
            fact = self._transfers.of_upload(upload_id)
            if fact and (fact.done, fact.total) != (job.done, job.total):
                job.progress(fact.done, fact.total)
            with self._changed:
                if upload_id not in self._over:
                    self._changed.wait(_LOOK_SECONDS)
                if upload_id in self._over:
                    error = self._over.pop(upload_id)
                    break
        came = self._came(upload_id)
        if error or came is None:
            raise error or UpstreamFailed("The file did not come.")
        job.progress(path.stat().st_size)
        return came

    def cancel(self, upload_id: str) -> None:
        """It is not wanted any more; what has come goes. Twice is fine."""
        self._transfers.cancel(id_of_upload(upload_id))

    def knows(self, upload_id: str) -> bool:
        """Whether this upload still waits for its file."""
        record = self._records.get(upload_id)
        return record is not None and record["status"] == "pending"

    def arrived(self, upload_id: str, sha256: str, name: str) -> None:
        """The transfers have brought its file. Raises DiskFull."""

        def note(record: Json) -> Json:
            return {**record, "fetch": {**record["fetch"], "came": [sha256, name]}}

        if self.knows(upload_id):
            self._records.update(upload_id, note)
        self._end(upload_id, None)

    def failed(self, upload_id: str, text: str, field: str | None) -> None:
        """The transfers will not bring it."""
        self._end(upload_id, UpstreamFailed(text, field=field))

    def _end(self, upload_id: str, error: CuratorError | None) -> None:
        with self._changed:
            self._over[upload_id] = error
            self._changed.notify_all()

    def _came(self, upload_id: str) -> Fetched | None:
        record = self._records.get(upload_id)
        told = record["fetch"].get("came") if record else None
        return Fetched(told[0], told[1]) if told else None

    def _wanted(self, upload_id: str, fetch: Json, path: Path) -> Wanted:
        upload = Upload(upload_id, str(path), self._limit, bool(fetch.get("pages")))
        name = fetch["name"]
        return Wanted(name, "", "", name, fetch["source"], fetch["sha256"], fetch["size"], upload)

    @property
    def _limit(self) -> int:
        return self._settings.values.upload_limit_mb * 10**6

    def _resolve_civitai(self, asked: Asked) -> Found:
        field = "civitaiModelUrl"
        if asked.kind not in ("", "model"):
            raise BadInput("From CivitAI's pages models are fetched; kind is model.", field="kind")
        meant = _understood(asked.civitai_model_url, self._settings, field)
        if not isinstance(meant, OfCivitAI):
            raise BadInput("This is no address of a model on CivitAI.", field=field)
        return self._civitai.found(meant, asked, field, source="civitai")

    def _resolve_hub(self, asked: Asked) -> Found:
        field = "huggingFaceModelName"
        meant = _understood(asked.hugging_face_model_name, self._settings, field)
        if not isinstance(meant, OfHuggingFace):
            raise BadInput("This is no repository of Hugging Face: owner/name.", field=field)
        return self._hub.found(meant, asked, field, source="huggingface")

    def _resolve_address(self, asked: Asked) -> Found:
        if not asked.kind:
            raise BadInput("Say with kind what is at the address.", field="kind")
        try:
            meant = understand(asked.url, self._settings.options)
        except BadInput:
            # A base may serve other files than models, at addresses that mean nothing here.
            meant = None
        if isinstance(meant, OfCivitAI) and asked.kind == "model":
            return self._civitai.found(meant, asked, "url", source="url")
        if isinstance(meant, OfHuggingFace) and (meant.path or asked.kind == "model"):
            return self._hub.found(meant, asked, "url", source="url")
        ours = self._check(asked.url)
        shown = without_keys(asked.url)
        name = safe_name(meant.name if isinstance(meant, OfAddress) else "", fallback="download")
        origin: Json = {}
        if asked.kind == "model":
            origin["entry"] = address_entry(OfAddress(shown, name), None)
        # A link that somebody was given may carry its permission; ours goes into a header.
        source = {"kind": "url", "url": shown if ours else asked.url}
        return Found(
            source="url",
            provider="other",
            fetch={
                "source": source,
                "name": name,
                "sha256": asked.sha256,
                "size": 0,
                "pages": asked.kind in _NOT_MODELS,
                "origin": origin,
            },
            file_name=name,
            kind=asked.kind,
            url=shown,
        )

    def _check(self, address: str) -> bool:
        """Whether a base is meant. Raises BadInput for what would be refused when it is asked.

        What a name means is looked at again when it is connected to; this spares a wait.
        """
        values = self._settings.values
        try:
            origin = check_foreign(address)
            ours = self._http.base_of(address) is not None
            if not (ours or values.allow_private_addresses):
                with contextlib.suppress(OSError):
                    check_public(resolve(origin.host, origin.port))
        except AddressRefused as error:
            raise BadInput(str(error), field="url") from error
        return ours


def _understood(address: str, settings: Settings, field: str) -> Meant:
    if field == "huggingFaceModelName" and _BARE_NAME.fullmatch(address.strip()):
        # The oldest repositories have no owner.
        return OfHuggingFace(address.strip(), "")
    try:
        return understand(address, settings.options)
    except BadInput as error:
        raise BadInput(error.text, field=field) from error
