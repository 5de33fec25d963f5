"""The gallery at rest: thumbnails beside vipsthumbnail, first pages and searches among 100,000."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.bench import Row, against, below
from tests.loading import load_pack

if TYPE_CHECKING:
    from comfyui_curator.store.store import Store

_ROOT = Path(__file__).resolve().parents[2]
_PICTURES = 500
_DRAWN = 25
_BARS = {"JPEG": 1.1, "WEBP": 1.3, "PNG": 1.6}
_ITEMS = 100_000
_OF_MODEL = 1_000
_MODEL = 4711
_ANY = "10000000"
_ROUNDS = 60


def rows() -> Iterator[Row]:
    """Thumbnails, then pages."""
    yield from thumbnails()
    yield from pages()


def thumbnails() -> Iterator[Row]:
    """One core for each side, the same size, quality and effort; without the peer no row."""
    if not shutil.which("vipsthumbnail"):
        print("thumbnails: left out, there is no vipsthumbnail (libvips-tools)", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as name:
        for form, bar in _BARS.items():
            folder = Path(name, form)
            pictures = _draw(folder, form)
            ours = _timed([sys.executable, "-c", _OURS, str(folder / "ours"), *pictures])
            theirs = ["vipsthumbnail", "--size", "320x960>", "-o", "%s.webp[Q=80,effort=2]"]
            peer = _timed([*theirs, *pictures])
            made = len(list((folder / "ours").iterdir()))
            assert made == len(list(folder.glob("*.webp"))) - _webps(pictures) == _PICTURES
            what = f"thumbnails of {_PICTURES} {form} pictures, one core [s]"
            yield against(what, ours, peer, "vipsthumbnail", bar)
            shutil.rmtree(folder)


_OURS = """
import sys
from pathlib import Path
from tests.loading import load_pack
load_pack()
from comfyui_curator.store.thumbnails import make_thumbnail
folder = Path(sys.argv[1])
folder.mkdir()
for name in map(Path, sys.argv[2:]):
    make_thumbnail(name, folder / f"{name.stem}.webp")
"""


def _draw(folder: Path, form: str) -> list[str]:
    """The pictures' paths: a few drawn, with the grain of a photograph, under many names."""
    from PIL import Image

    from tests.upstream.pictures import draw

    folder.mkdir()
    ext = {"JPEG": "jpg", "WEBP": "source", "PNG": "png"}[form]
    how: dict[str, Any] = {"PNG": {"compress_level": 6}}.get(form, {"quality": 90})
    paths: list[str] = []
    for number in range(_PICTURES):
        path = folder / f"{number:03}.{ext}"
        if number < _DRAWN:
            picture = draw(f"bench {number}", 832, 1216)
            grain = Image.effect_noise(picture.size, 24).convert("RGB")
            Image.blend(picture, grain, 0.2).save(path, form, **how)
        else:
            shutil.copyfile(paths[number % _DRAWN], path)
        paths.append(str(path))
    return paths


def _webps(pictures: list[str]) -> int:
    return sum(name.endswith(".webp") for name in pictures)


def _timed(command: list[str]) -> float:
    """Seconds of a process that has one core and one thread of decoding."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if cores and shutil.which("taskset"):
        command = ["taskset", "-c", str(cores[-1]), *command]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    begun = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begun


def pages() -> Iterator[Row]:
    """The first page of a gallery of 1,000, and a search, in a store of 100,000 items."""
    load_pack()
    from tests.serving import RunningServer

    with tempfile.TemporaryDirectory(prefix="curator-bench-") as name:
        with RunningServer(Path(name, "root")) as server:
            fill(server.store)
            gallery = server.store.gallery
            for each in gallery.models():
                gallery.names.told(each["model_id"], f"Glow of North{each['model_id']}")
            page = f"{server.api}/gallery?limit=100"
            # The words are built behind the opening; the first search waits for them.
            assert server.session.get(f"{page}&q=needle", timeout=60).json()["total"] == 10

            def change() -> object:
                # Pages that are kept are void after it.
                return gallery.star(_ANY)

            yield below(
                f"first page of {_OF_MODEL} among {_ITEMS}, in the store",
                _median(lambda: gallery.list(_MODEL, limit=100), change),
                3,
                "ms",
            )
            address = f"{server.api}/loras/{_MODEL}/gallery?limit=100"
            what = f"first page of {_OF_MODEL} among {_ITEMS}, HTTP"
            yield below(what, _answering(server.session, address, change), 10, "ms")
            yield below(f"{what}, again", _answering(server.session, address), 10, "ms")
            for what, query in (
                ("a rare word", "q=needle"),
                ("a word of half of all", "q=everywhere"),
                ("the beginning of a word", "q=ev"),
                ("an author and a word", "q=author7+everywhere"),
                ("the beginning of all models' names", "q=glow"),
                ("a model's name and a word", "q=north77+everywhere"),
            ):
                found = _answering(server.session, f"{page}&{query}", change)
                yield below(f"search among {_ITEMS}, {what}, HTTP", found, 40, "ms")
            path = f"{server.api}/loras/{_MODEL}/gallery?limit=100&q=everywhere"
            found = _answering(server.session, path, change)
            yield below(f"search in a gallery of {_OF_MODEL}, HTTP", found, 40, "ms")
            for query in ("type=image&source=community", "starred=true", "source=original"):
                found = _answering(server.session, f"{page}&{query}", change)
                yield below(f"filter among {_ITEMS}: {query}, HTTP", found, 40, "ms")


def fill(store: Store, count: int = _ITEMS) -> None:
    """Records as pictures of the community have them, a thousand of one model, without files."""
    from comfyui_curator.store.gallery_records import Facts, new_record
    from comfyui_curator.store.generation import Generation, resource
    from comfyui_curator.store.media import BY_EXT, Media

    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(20_000)]
    records = store.database.collection("gallery")
    media = Media(BY_EXT[".jpeg"], 832, 1216)
    every = count // _OF_MODEL
    for start in range(0, count, 500):
        with store.database.transaction():
            for number in range(start, start + 500):
                text = "everywhere " if number % 2 else ""
                text += "needle " if number % (count // 10) == 7 else ""
                while len(text) < 400:
                    text += words[min(int(rng.paretovariate(0.35)), len(words)) - 1] + " "
                facts = Facts(
                    id=str(10_000_000 + number),
                    number=10_000_000 + number,
                    file_uuid=f"{number:08x}-0000-4000-8000-000000000000",
                    source="original" if number % 50 == 1 else "community",
                    model_id=_MODEL if number % every == 1 else number // 500,
                    username=f"author{number % 500}",
                    created_at=f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T00:00:00.000Z",
                    starred=number % 200 == 1,
                    generation=Generation(
                        prompt=text,
                        negative="lowres, blurry",
                        seed=number,
                        steps=28,
                        sampler="Euler a",
                        loras=[resource("glow", 0.8, f"{number % 900:010x}", number % 900)],
                    ).listing(),
                )
                records.put(
                    new_record(
                        facts,
                        media,
                        stem=f"media/{number:06}",
                        size=250_000,
                        sha256=f"{number:064x}",
                        added=number,
                    )
                )
    store.database.compact()


def _median(work: Callable[[], object], change: Callable[[], object] = int) -> float:
    """Milliseconds, after a first time that does not count, each time after a change."""
    work()
    taken: list[float] = []
    for _ in range(_ROUNDS):
        change()
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _answering(
    session: requests.Session, address: str, change: Callable[[], object] = int
) -> float:
    def ask() -> None:
        answer = session.get(address, timeout=30)
        assert answer.status_code == 200
        assert answer.json()["images"]

    return _median(ask, change)
