"""A gallery that dies before each single thing it does to the disk, and what must be there after.

Where it makes a file, it also dies when that is still empty.

`python -m tests.gallery_kills FOLDER [remove|adopt]` says in its last line how many deaths it has
looked at: while a picture came in, while the galleries of two models, one picture in both, were
emptied, or while a picture of another program was taken over.
"""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.loading import load_pack

load_pack()

from comfyui_curator.store import Options  # noqa: E402 - after the pack is loaded
from comfyui_curator.store.gallery import Facts  # noqa: E402 - after the pack is loaded
from comfyui_curator.store.host import root_host  # noqa: E402 - after the pack is loaded
from comfyui_curator.store.store import Store  # noqa: E402 - after the pack is loaded

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.link", "os.truncate"}
KEPT = str(uuid.UUID(int=1))
COMING = str(uuid.UUID(int=2))


def opened(root: Path) -> Store:
    return Store(root_host(root), Options())


def add(store: Store, picture: Path, item_id: str, model_id: int = 0) -> None:
    store.gallery.add_file(picture, Facts(id=item_id, file_uuid=item_id, model_id=model_id))


def check(root: Path) -> list[str]:
    """Ids in a gallery that has been opened again; every file has a record and the reverse."""
    store = opened(root)
    try:
        records = [dict(item) for item in store.gallery.all(limit=1000)["images"]]
        ids = sorted(record["id"] for record in records)
        folder = store.host.data / "gallery"
        files = sorted(path.name for path in folder.rglob("*") if path.is_file())
        assert not list((folder / "incoming").glob("*")), files
        for item_id in ids:
            assert store.gallery.media(item_id).path.is_file()
            assert store.gallery.thumb(item_id).content_type == "image/webp"
            assert store.gallery.meta(item_id)["raw_item"] is None
        expected = [
            name for each in ids for name in (f"{each}.json", f"{each}.png", f"{each}.thumb.webp")
        ]
        files = sorted(path.name for path in folder.rglob("*") if path.is_file())
        assert files == sorted(expected), files
        return ids
    finally:
        store.close()


def die_at(root: Path, act: Callable[[Store], object], count: int) -> bool:
    """Do it in a process that ends at its `count`th chance to die; whether it did."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, 77), f"ended with {code}"
        return code == 77
    store = opened(root)
    left = count

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
        if (writes or event in _CHANGES) and str(root) in str(args[0]):
            left -= 1
            if left == 0:
                os._exit(77)
            if writes:
                left -= 1
                if left == 0:
                    # The file has been made, and what belongs into it has not been written.
                    os.close(os.open(args[0], args[2], 0o666))
                    os._exit(77)

    sys.addaudithook(watch)
    act(store)
    os._exit(0)


def main(folder: Path) -> int:
    picture = folder / "picture.png"
    Image.effect_noise((64, 96), 50).convert("RGB").save(picture)
    begun = folder / "begun"
    store = opened(begun)
    add(store, picture, KEPT)
    store.close()
    deaths = 0
    while True:
        root = folder / "root"
        shutil.copytree(begun, root)
        died = die_at(root, lambda store: add(store, picture, COMING), deaths + 1)
        found = check(root)
        assert KEPT in found
        if not died:
            assert COMING in found
            return deaths
        store = opened(root)
        add(store, picture, COMING)
        store.close()
        assert check(root) == sorted([KEPT, COMING])
        shutil.rmtree(root)
        deaths += 1


def remove(folder: Path) -> int:
    """As `main`, of pictures that go: those of a model, one of which another model shows too."""
    picture = folder / "picture.png"
    Image.effect_noise((64, 96), 50).convert("RGB").save(picture)
    begun = folder / "begun"
    store = opened(begun)
    add(store, picture, KEPT, model_id=5)
    add(store, picture, COMING, model_id=7)
    store.gallery.intake.link(Facts(id=KEPT, file_uuid=KEPT, model_id=7))
    store.close()
    deaths = 0
    while True:
        root = folder / "root"
        shutil.copytree(begun, root)
        died = die_at(root, lambda store: store.gallery.remove(7), deaths + 1)
        assert check(root) in ([KEPT], sorted([KEPT, COMING]))
        store = opened(root)
        assert store.gallery.list(5)["images_total"] == 1
        store.gallery.remove(7)
        assert store.gallery.list(7)["images_total"] == 0
        store.close()
        assert check(root) == [KEPT]
        if not died:
            return deaths
        shutil.rmtree(root)
        deaths += 1


def adopt(folder: Path) -> int:
    """As `main`, of a picture that another program has: its own file stays whatever happens."""
    picture = folder / "picture.png"
    Image.effect_noise((64, 96), 50).convert("RGB").save(picture)
    bytes_ = picture.read_bytes()
    begun = folder / "begun"
    opened(begun).close()
    deaths = 0

    def take(store: Store) -> None:
        facts = Facts(id=COMING, file_uuid=COMING, starred=True)
        store.gallery.intake.adopt(picture, facts, link=True)

    while True:
        root = folder / "root"
        shutil.copytree(begun, root)
        died = die_at(root, take, deaths + 1)
        assert check(root) in ([], [COMING])
        store = opened(root)
        take(store)
        (item,) = store.gallery.all()["images"]
        assert item["starred"]
        store.close()
        assert check(root) == [COMING]
        assert picture.read_bytes() == bytes_
        if not died:
            return deaths
        shutil.rmtree(root)
        deaths += 1


if __name__ == "__main__":
    acts = {"remove": remove, "adopt": adopt}
    print(acts.get(sys.argv[-1], main)(Path(sys.argv[1])))
