"""The gallery's index made anew, its size and limit, and clearing up."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyui_curator.store import Options
from comfyui_curator.store.engine import Record
from comfyui_curator.store.errors import CuratorError, GalleryFull, NotFound
from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.gallery_records import lacks_making
from comfyui_curator.store.gallery_upkeep import CLEANUP, REBUILD
from comfyui_curator.store.generation import Generation, resource
from comfyui_curator.store.host import root_host
from comfyui_curator.store.store import Store
from tests.own_pictures import PARAMETERS, draw

IDS = [str(uuid.UUID(int=number)) for number in range(20)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    store = Store(root_host(root), Options())
    yield store
    store.close()


def opened(root: Path) -> Store:
    return Store(root_host(root), Options())


def fill(store: Store, tmp_path: Path) -> list[str]:
    """Five pictures of every kind of origin; their ids."""
    add = store.gallery.add_file
    card = Facts(
        id=IDS[1],
        file_uuid=IDS[1],
        source="original",
        model_id=7,
        model_name="Glow",
        version_ids=(70, 71),
        nsfw_level=4,
        tag_ids=(5, 6),
        stats={"heartCount": 3},
    )
    told = Generation(prompt="a harbour", seed=2**70, loras=[resource("glow", 0.5, "ab" * 5, 70)])
    single = Facts(id="12345", file_uuid=IDS[2], number=12345, generation=told, model_id=8)
    single_told = {"meta": {"prompt": "a harbour"}}
    ids = [
        add(draw(tmp_path / "1.png", "red"), card)["id"],
        add(
            draw(tmp_path / "2.png", "green"),
            replace(single, generation_data=single_told),
        )["id"],
        add(draw(tmp_path / "3.png", "blue"), Facts(id=IDS[3], file_uuid=IDS[3]))["id"],
        store.gallery.add_own(draw(tmp_path / "4.png", "white", PARAMETERS), model_id=7)["id"],
        store.gallery.add_own(draw(tmp_path / "5.png", "black"))["id"],
    ]
    # The same picture under its other id, for another model.
    store.gallery.intake.link(Facts(id="99", file_uuid=IDS[1], number=99, model_id=9))
    store.gallery.intake.link(Facts(id=IDS[1], file_uuid=IDS[1], model_id=10))
    store.gallery.remove(10)
    store.gallery.star(ids[0], True)
    store.gallery.star(ids[4], True)
    return ids


def records(store: Store) -> dict[str, Record]:
    return {record["id"]: record for record in store.database.collection("gallery")}


def rebuilt(store: Store, *, dry_run: bool = False) -> dict[str, Any]:
    job = store.gallery_upkeep.rebuild(dry_run=dry_run)
    store.gallery_upkeep.wait(REBUILD)
    told = store.gallery_upkeep.told(job["id"])
    assert told["job"]["state"] == "done", told
    return told["report"]


def cleaned(store: Store, *, dry_run: bool = False) -> dict[str, Any]:
    job = store.gallery_upkeep.clean_up(dry_run=dry_run)
    store.gallery_upkeep.wait(CLEANUP)
    told = store.gallery_upkeep.told(job["id"])
    assert told["job"]["state"] == "done", told
    return told["report"]


def media(store: Store, item_id: str) -> Path:
    return store.gallery.media(item_id).path


def test_without_its_database_the_gallery_is_the_same_but_for_the_stars(
    root: Path, tmp_path: Path
) -> None:
    store = opened(root)
    ids = fill(store, tmp_path)
    before = records(store)
    store.close()
    shutil.rmtree(root / "curator" / "database")
    store = opened(root)
    try:
        assert len(store.gallery) == 0
        assert rebuilt(store, dry_run=True)["added"] == 5
        assert len(store.gallery) == 0
        report = rebuilt(store)
        assert (report["files"], report["added"], report["unreadable"]) == (5, 5, 0)
        after = records(store)
        assert {key: {**record, "starred": 0} for key, record in before.items()} == after
        assert store.gallery.media("99").name == f"{IDS[1]}.png"
        assert [each["id"] for each in store.gallery.all()["images"]] == ids[::-1]
        assert rebuilt(store)["added"] == 0
    finally:
        store.close()


def test_stars_and_tags_stay_where_the_database_survives(store: Store, tmp_path: Path) -> None:
    ids = fill(store, tmp_path)
    before = records(store)
    path = media(store, ids[0])
    path.write_bytes((tmp_path / "5.png").read_bytes())
    with path.open("ab") as file:
        file.write(b"longer")
    report = rebuilt(store)
    assert (report["added"], report["repaired"], report["removed"]) == (0, 1, 0)
    now = records(store)[ids[0]]
    assert now["starred"] == 1
    assert now["tag_ids"] == [5, 6]
    assert now["models"] == [7, 9]
    assert now["file_size"] == path.stat().st_size
    assert {**records(store), ids[0]: None} == {**before, ids[0]: None}


def test_a_record_whose_file_is_gone_goes_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    ids = fill(store, tmp_path)
    gone = media(store, ids[2])
    store.gallery.thumb(ids[2], 160)
    gone.unlink()
    assert rebuilt(store, dry_run=True)["removed"] == 1
    assert len(store.gallery) == 5
    assert rebuilt(store)["removed"] == 1
    assert ids[2] not in records(store)
    assert not list(gone.parent.glob(f"{ids[2]}*"))


def test_a_gallery_whose_drive_is_not_there_is_left_alone(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path)
    folder = store.host.data / "gallery" / "media"
    folder.rename(tmp_path / "elsewhere")
    job = store.gallery_upkeep.rebuild()
    store.gallery_upkeep.wait(REBUILD)
    told = store.gallery_upkeep.told(job["id"])["job"]
    assert told["state"] == "failed"
    assert "drive" in told["error"]
    assert len(store.gallery) == 5
    (tmp_path / "elsewhere").rename(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"record": 5}',
        '{"record": {"id": "x"}}',
        '{"civitai_id": [], "stats": 7, "raw_item": "x", "generation_data": 5, "createdAt": {}}',
        "[" * 50_000,
    ],
)
def test_json_that_says_nothing_costs_only_what_it_said(
    root: Path, tmp_path: Path, text: str
) -> None:
    store = opened(root)
    own = store.gallery.add_own(draw(tmp_path / "a.png", "white", PARAMETERS))
    media(store, own["id"]).with_suffix(".json").write_text(text)
    store.close()
    shutil.rmtree(root / "curator" / "database")
    store = opened(root)
    try:
        assert rebuilt(store)["added"] == 1
        (record,) = records(store).values()
        assert record["id"] == own["id"]
        assert record["prompt"] == own["prompt"]
        assert json.loads(media(store, own["id"]).with_suffix(".json").read_text())["record"]
        assert store.gallery.thumb(own["id"]).content_type == "image/webp"
    finally:
        store.close()


def test_json_that_lies_about_the_file_is_not_believed(root: Path, tmp_path: Path) -> None:
    store = opened(root)
    own = store.gallery.add_own(draw(tmp_path / "a.png"))
    path = media(store, own["id"]).with_suffix(".json")
    said = json.loads(path.read_text())
    store.close()
    lies: list[dict[str, Any]] = [{"file_size": 1}, {"type": "video"}, {"models": []}]
    lies += [{"aliases": ["../x"]}, {"loras": [{"name": ["x"]}]}, {"others": [{}]}]
    for lie in lies:
        shutil.rmtree(root / "curator" / "database")
        path.write_text(json.dumps({**said, "record": {**said["record"], **lie}}))
        store = opened(root)
        assert rebuilt(store)["added"] == 1
        (record,) = records(store).values()
        assert record["type"] == "image"
        assert record["models"] == [0]
        assert record["aliases"] == [own["id"]]
        assert record["file_size"] == own["file_size"]
        assert store.gallery.meta(own["id"])["made_with"] == []
        store.close()


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"record": {"id": "x"}}'])
def test_json_beside_a_file_that_is_gone_or_broken_is_written_anew_from_the_index(
    root: Path, tmp_path: Path, text: str | None
) -> None:
    store = opened(root)
    ids = fill(store, tmp_path)
    before = records(store)
    beside = media(store, ids[0]).with_suffix(".json")
    whole = json.loads(beside.read_text(encoding="utf-8"))
    if text is None:
        beside.unlink()
    else:
        beside.write_text(text, encoding="utf-8")
    assert rebuilt(store, dry_run=True)["repaired"] == 1
    assert (beside.read_text(encoding="utf-8") if beside.exists() else None) == text
    report = rebuilt(store)
    assert (report["added"], report["repaired"], report["removed"]) == (0, 1, 0)
    assert records(store) == before
    told = json.loads(beside.read_text(encoding="utf-8"))
    assert told["record"] == whole["record"]
    assert {key: told[key] for key in ("civitai_id", "type", "createdAt", "_source")} == {
        key: whole[key] for key in ("civitai_id", "type", "createdAt", "_source")
    }
    assert rebuilt(store)["repaired"] == 0
    store.close()
    # The index may be lost now: what it knew lies beside the files again.
    shutil.rmtree(root / "curator" / "database")
    store = opened(root)
    assert rebuilt(store)["added"] == len(before)
    after = records(store)[ids[0]]
    assert after == {**before[ids[0]], "starred": 0}
    store.close()


def misread(store: Store, item_id: str, **fields: Any) -> None:
    """As an earlier version has read the file, in the index and beside it."""
    record = store.database.collection("gallery").update(item_id, fields)
    beside = media(store, item_id).with_suffix(".json")
    told = json.loads(beside.read_text(encoding="utf-8"))
    told["record"].update({name: record[name] for name in fields})
    beside.write_text(json.dumps(told), encoding="utf-8")


def test_what_an_earlier_version_has_read_wrongly_is_read_again(root: Path, tmp_path: Path) -> None:
    settings = "Steps: 20, Sampler: Euler, Seed: 5, Size: 64x64"
    written = f"a lantern\nNegative prompt: blurry, dark\n{settings}\nTemplate: a lantern"
    graph = {"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a bridge"}},
             "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog"}},
             "3": {"class_type": "KSampler", "inputs": {"positive": ["1", 0],
                   "negative": ["2", 0], "seed": 1, "steps": 4}}}  # fmt: skip
    store = opened(root)
    own = store.gallery.add_own(draw(tmp_path / "a.png", "white", written))
    info = PngInfo()
    info.add_text("prompt", json.dumps(graph))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png", pnginfo=info)
    node = store.gallery.add_own(tmp_path / "b.png")
    fill(store, tmp_path)
    right = records(store)
    told = [right[each["id"]]["negative"] for each in (own, node)]
    assert told == ["blurry, dark", "fog"]
    assert rebuilt(store)["reread"] == 0
    wrong = {"negative": f"blurry, dark\n{settings}", "steps": None, "sampler": "", "seed": None}
    misread(store, own["id"], **wrong)
    misread(store, node["id"], negative="a bridge")
    report = rebuilt(store, dry_run=True)
    assert (report["reread"], report["repaired"]) == (2, 0)
    assert records(store)[node["id"]]["negative"] == "a bridge"
    store.close()
    for lost in (False, True):
        if lost:
            shutil.rmtree(root / "curator" / "database")
        store = opened(root)
        try:
            assert rebuilt(store)["reread"] == (0 if lost else 2)
            assert {key: {**each, "starred": 0} for key, each in records(store).items()} == {
                key: {**each, "starred": 0} for key, each in right.items()
            }
            assert rebuilt(store)["reread"] == 0
        finally:
            store.close()


def test_a_text_that_is_not_of_the_file_stays(store: Store, tmp_path: Path) -> None:
    written = "a lantern\nNegative prompt: blurry\nSteps: 20, Seed: 5"
    own = store.gallery.add_own(draw(tmp_path / "a.png", "white", written))
    upstream = Facts("77", generation_data={"meta": {"negativePrompt": "Steps: 20"}})
    upstream = replace(upstream, generation=Generation(negative="Steps: 20"))
    store.gallery.add_file(draw(tmp_path / "b.png", "black", written), upstream)
    misread(store, own["id"], prompt="a lantern, as I say", negative="blurry, and more")
    before = records(store)
    assert rebuilt(store)["reread"] == 0
    assert records(store) == before


def test_what_the_lost_json_alone_knew_is_asked_for_again(store: Store, tmp_path: Path) -> None:
    ids = fill(store, tmp_path)
    assert not lacks_making(records(store)[ids[1]])
    media(store, ids[1]).with_suffix(".json").unlink()
    assert rebuilt(store)["repaired"] == 1
    assert lacks_making(records(store)[ids[1]])
    assert records(store)[ids[1]]["prompt"] == "a harbour"


def test_a_broken_file_is_told_and_the_others_are_there(root: Path, tmp_path: Path) -> None:
    store = opened(root)
    ids = fill(store, tmp_path)
    path = media(store, ids[3])
    store.close()
    shutil.rmtree(root / "curator" / "database")
    path.write_bytes(path.read_bytes()[:60])
    store = opened(root)
    try:
        report = rebuilt(store)
        assert (report["added"], report["unreadable"]) == (4, 1)
        assert report["problems"][0]["file"] == path.name
        assert path.exists()
    finally:
        store.close()


def test_the_limit_stops_what_would_add_and_nothing_else(store: Store, tmp_path: Path) -> None:
    first = store.gallery.add_own(draw(tmp_path / "a.png"))
    store.settings.change({"gallery_limit_gb": 1e-7})
    with pytest.raises(GalleryFull) as caught:
        store.gallery.add_own(draw(tmp_path / "b.png", "blue"))
    assert (caught.value.status, caught.value.field) == (507, "gallery_limit_gb")
    assert "limit" in caught.value.text
    assert store.gallery.add_own(draw(tmp_path / "a.png"), model_id=4)["id"] == first["id"]
    assert len(store.gallery) == 1
    assert not list((store.host.data / "gallery" / "incoming").iterdir())
    store.settings.change({"gallery_limit_gb": 1})
    store.gallery.add_own(draw(tmp_path / "b.png", "blue"))
    store.gallery.remove_items([first["id"]])
    assert store.gallery.disk.shown()["count"] == 1


def test_the_size_is_told_by_model_and_in_all(store: Store, tmp_path: Path) -> None:
    ids = fill(store, tmp_path)
    shown = store.gallery.disk.shown()
    found = records(store)
    sizes = {key: found[key]["file_size"] + found[key]["thumb_size"] for key in ids}
    assert (shown["bytes"], shown["count"]) == (sum(sizes.values()), 5)
    assert shown["limit_bytes"] == 0
    assert shown["free_bytes"] > 0
    by_model = {each["model_id"]: each for each in shown["models"]}
    assert by_model[7]["count"] == 2
    assert by_model[7]["name"] == "Glow"
    assert by_model[7]["bytes"] == sizes[ids[0]] + sizes[ids[3]]
    assert by_model[9]["bytes"] == sizes[ids[0]]


def test_clearing_up_takes_only_what_nothing_refers_to(store: Store, tmp_path: Path) -> None:
    entry = {
        "file": "x.safetensors",
        "dest": "loras",
        "name": "x",
        "civitai_version_id": 1,
        "civitai_model_id": 50,
    }
    by_version = {"file": "y.safetensors", "dest": "loras", "civitai_version_id": "510"}
    by_address = {"file": "z.safetensors", "dest": "loras"}
    page = "https://civitai.com/models/52/name?modelVersionId=520"
    store.catalog.add_entries(
        "loras", "sdxl_loras", [entry, by_version, {**by_address, "url": page}]
    )
    store.gallery.known_models.add_versions(53, [530])
    download = "https://civitai.com/api/download/models/530"
    store.catalog.add_entries("models", "other", [{**by_address, "file": "v", "url": download}])

    def add(number: int, **facts: Any) -> str:
        picture = draw(tmp_path / f"{number}.png", f"#0000{number:02}")
        given = Facts(id=IDS[number], file_uuid=IDS[number], **facts)
        return store.gallery.add_file(picture, given)["id"]

    unused = add(1, model_id=60)
    kept = [
        add(2, model_id=50),
        add(3, model_id=61, starred=True),
        add(4, model_id=61, search_mode="single"),
        add(5, model_id=0),
        add(10, model_id=51, version_ids=(510,)),
        # Of the community, which names no version.
        add(11, model_id=51),
        add(12, model_id=52),
        add(13, model_id=53),
        store.gallery.add_own(draw(tmp_path / "own.png", "red"), model_id=61)["id"],
    ]
    chosen = add(6, model_id=62)
    store.gallery.set_preview(chosen)
    collected = add(7, model_id=63)
    collection = store.collections.make("Night")["id"]
    store.collections.add(collection, "picture", collected)
    stray = media(store, kept[0]).with_name(f"{IDS[9]}.thumb-640.webp")
    stray.write_bytes(b"left behind")
    stranger = stray.with_name("notes.txt")
    stranger.write_text("mine")

    told = cleaned(store, dry_run=True)
    assert (told["pictures"], told["files"]) == (1, 1)
    assert told["bytes"] > len(b"left behind")
    assert [each["model_id"] for each in told["models"]] == [60]
    assert len(store.gallery) == 12

    done = cleaned(store)
    assert (done["pictures"], done["files"], done["bytes"]) == (1, 1, told["bytes"])
    assert set(records(store)) == {*kept, chosen, collected}
    assert unused not in records(store)
    assert not stray.exists()
    assert stranger.exists()
    assert cleaned(store)["pictures"] == 0


def test_a_report_of_nothing_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        store.gallery_upkeep.told("nothing")


def test_a_gallery_that_cannot_be_written_is_shown_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = store.gallery.add_own(draw(tmp_path / "a.png"))
    path = media(store, item["id"])
    for name in path.parent.glob("*.webp"):
        name.unlink()
    folder = store.host.data / "gallery" / "incoming"
    folder.rmdir()
    # A file in the folder's place refuses root too, as a read-only drive would.
    folder.write_text("")
    assert store.gallery.thumb(item["id"]).path == path
    assert store.gallery.all()["total"] == 1
    with pytest.raises(CuratorError):
        store.gallery.add_own(draw(tmp_path / "b.png", "blue"))
    folder.unlink()
    store.gallery.add_own(draw(tmp_path / "b.png", "blue"))


def test_names_that_differ_only_in_case_are_different_pictures(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "x").mkdir()
    one = store.gallery.add_own(draw(tmp_path / "A.png"))
    other = store.gallery.add_own(draw(tmp_path / "x" / "a.PNG", "blue"))
    assert one["id"] != other["id"]
    names = [store.gallery.to_input(each["id"])["filename"] for each in (one, other)]
    assert len({name.casefold() for name in names}) == 2
    for name, item in zip(names, (one, other), strict=True):
        image = Image.open(store.host.input / name)
        assert (image.width, image.height) == (item["width"], item["height"])
        image.close()
