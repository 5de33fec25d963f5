"""What is said of a file stays with it, whatever meets: moves, looks, hashes, imports."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import library_walk, library_watch
from comfyui_curator.store.engine import Database
from comfyui_curator.store.errors import DiskFull
from comfyui_curator.store.hashing_process import Hashed, HashingProcess
from comfyui_curator.store.hashing_worker import DATA
from comfyui_curator.store.library_place_index import PlaceIndex
from comfyui_curator.store.library_shelf import Spot
from comfyui_curator.store.library_walk import Facts, Folder
from comfyui_curator.store.samples import Samples
from comfyui_curator.store.store import COLLECTIONS
from tests.libraries import hashed
from tests.organising import made_export, report_of
from tests.serving import RunningServer
from tests.shelves import library_server, picture, place_of, put_model, staged, upload
from tests.upstream.weights import safetensors
from tests.waiting import until


@pytest.fixture
def server(tmp_path: Path) -> Generator[RunningServer, None, None]:
    with library_server(tmp_path) as running:
        running.store.library.hashing.pause()
        yield running


def note(server: RunningServer, path: Path, text: str) -> str:
    """The id of the place of a file, of which a person has said this, with a sample picture."""
    place_id = place_of(server, path)
    answer = server.ask("PATCH", f"/models/{place_id}", json={"notes": text})
    assert answer.status_code == 200, answer.text
    assert upload(server, place_id, picture((len(text), 9, 9))).status_code == 200
    return place_id


def said(server: RunningServer, key: str) -> tuple[str, str, int]:
    """What is said of a model, whether its file is there, how many pictures it has."""
    shown = server.get(f"/models/{key}").json()
    count = server.get("/images/get_img_num", params={"sha256": key}).json()["count"]
    return shown["notes"], shown["status"], count


def hash_all(server: RunningServer) -> None:
    server.store.library.hashing.resume()
    hashed(server)


def replace(*steps: tuple[Path, Path]) -> Callable[[], None]:
    def work() -> None:
        for source, target in steps:
            target.parent.mkdir(exist_ok=True)
            source.replace(target)

    return work


class TestNamesThatAreTaken:
    def test_a_file_that_is_moved_over_another_before_both_are_hashed_keeps_what_is_its_own(
        self, server: RunningServer
    ) -> None:
        old, _ = put_model(server, "a.safetensors", data=b"of a")
        new, content = put_model(server, "b.safetensors", data=b"of b")
        gone = note(server, old, "first")
        note(server, new, "second one")
        new.replace(old)
        server.store.library.scan()
        hash_all(server)
        assert said(server, content) == ("second one", "present", 1)
        assert said(server, gone) == ("first", "missing", 1)

    def test_two_files_that_change_names_change_nothing_else(self, server: RunningServer) -> None:
        one, first = put_model(server, "a.safetensors", data=b"of a")
        two, second = put_model(server, "b.safetensors", data=b"of b")
        ids = staged(server, one, two)
        rows = {id_: server.store.staging.get(str(id_)) for id_ in ids}
        note(server, one, "first")
        note(server, two, "second one")
        aside = one.with_name("aside")
        replace((one, aside), (two, one), (aside, two))()
        server.store.library.scan()
        told = {place.path: place.place_id for place in server.store.library.places.all()}
        for id_, path in zip(ids, (two, one), strict=True):
            row = server.store.staging.get(str(id_))
            assert row and row["path"] == str(path)
            before = rows[id_]
            assert before and told[str(path)] == before["place_id"]
            record = server.store.library.records.get(row["place_id"])
            assert record and record["paths"] == [str(path)]
        hash_all(server)
        assert said(server, first) == ("first", "present", 1)
        assert said(server, second) == ("second one", "present", 1)

    def test_a_file_goes_aside_for_another_and_its_name_for_a_third(
        self, server: RunningServer
    ) -> None:
        one, first = put_model(server, "a.safetensors", data=b"of a")
        two, second = put_model(server, "b.safetensors", data=b"of b")
        note(server, one, "first")
        note(server, two, "second one")
        replace((one, one.with_name("c.safetensors")), (two, one))()
        _, third = put_model(server, "b.safetensors", data=b"of c")
        server.store.library.scan()
        hash_all(server)
        assert said(server, first) == ("first", "present", 1)
        assert said(server, second) == ("second one", "present", 1)
        assert said(server, third) == ("", "present", 0)

    def test_a_file_that_lost_its_name_to_another_is_known_when_it_comes_back(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        one, first = put_model(server, "a.safetensors", data=b"of a")
        two, second = put_model(server, "b.safetensors", data=b"of b")
        note(server, one, "first")
        one.rename(tmp_path / "away")
        two.rename(one)
        server.store.library.scan()
        (tmp_path / "away").rename(one.with_name("again.safetensors"))
        server.store.library.scan()
        hash_all(server)
        assert said(server, first) == ("first", "present", 1)
        assert said(server, second) == ("", "present", 0)

    @pytest.mark.parametrize("is_staged", [True, False], ids=["staged", "not yet staged"])
    def test_a_pending_row_whose_file_was_written_over_takes_up_no_other(
        self, server: RunningServer, is_staged: bool
    ) -> None:
        one, _ = put_model(server, "a.safetensors", data=b"of a")
        two, content = put_model(server, "b.safetensors", data=b"of b")
        if is_staged:
            lost, kept = staged(server, one, two)
            two.replace(one)
            server.store.library.scan()
        else:
            lost, gone = staged(server, one, two)
            body = {"id": gone, "conflict_strategy": "delete"}
            assert server.post("/migration/import_a_model", json=body).status_code == 200
            two.replace(one)
            [kept] = server.post("/models/scan", json={}).json()["pending_ids"]
        told = server.post("/migration/import_models", json={"id": [lost, kept]}).json()
        assert told["success"] == [kept]
        assert [each["id"] for each in told["failed"]] == [lost]
        assert server.get(f"/models/{content}").json()["path"] == str(one)

    @pytest.mark.parametrize("seen", [False, True], ids=["at once", "after it was gone"])
    def test_another_file_of_another_size_has_nothing_of_what_is_said_of_the_one_before(
        self, server: RunningServer, tmp_path: Path, seen: bool
    ) -> None:
        path, first = put_model(server, "a.safetensors", data=b"of a")
        gone = note(server, path, "first")
        path.rename(tmp_path / "kept")
        if seen:
            server.store.library.scan()
        _, second = put_model(server, "a.safetensors", data=b"of another")
        server.store.library.scan()
        hash_all(server)
        assert said(server, second) == ("", "present", 0)
        assert said(server, gone) == ("first", "missing", 1)
        (tmp_path / "kept").rename(path.with_name("b.safetensors"))
        server.store.library.scan()
        hashed(server)
        assert said(server, first) == ("first", "present", 1)


class TestLooksThatAreLate:
    @pytest.mark.parametrize("over", [False, True], ids=["to a new name", "over another file"])
    def test_a_file_that_moves_during_a_walk_from_a_listed_folder_to_a_later_one_stays_one(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch, over: bool
    ) -> None:
        path, content = put_model(server, "x.safetensors", data=b"of x")
        target, _ = put_model(server, "below/y.safetensors", data=b"of y")
        target = target if over else target.with_name("x.safetensors")
        place_id = note(server, path, "mine")
        list_folder = library_walk.list_folder

        def move_after(folder: Folder, *rest: Any) -> Any:
            below = list_folder(folder, *rest)
            if folder.path == str(path.parent) and path.exists():
                path.replace(target)
            return below

        monkeypatch.setattr(library_walk, "list_folder", move_after)
        monkeypatch.setattr(library_watch, "list_folder", move_after)
        server.store.library.scan()
        assert not path.exists()
        place = server.store.library.places.at_path(str(target))
        assert place and place.place_id == place_id
        server.store.library.scan()
        hash_all(server)
        assert said(server, content) == ("mine", "present", 1)

    def test_a_further_link_to_a_file_is_a_place_of_its_own(self, server: RunningServer) -> None:
        path, content = put_model(server, "a.safetensors")
        place_id = note(server, path, "mine")
        link = path.with_name("b.safetensors")
        os.link(path, link)  # noqa: PTH200 - pathlib's hardlink_to has the names the other way round
        assert place_of(server, link) != place_id == place_of(server, path)
        hash_all(server)
        assert said(server, content) == ("mine", "present", 1)

    def test_a_file_that_was_placed_after_its_folder_was_listed_does_not_vanish(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, _ = put_model(server, "a.safetensors")
        place_of(server, old)
        library = server.store.library
        gone: list[str] = []
        vanish = PlaceIndex.vanish

        def tell(index: PlaceIndex, spots: Sequence[Spot]) -> None:
            gone.extend(spot.name for spot in spots)
            vanish(index, spots)

        monkeypatch.setattr(PlaceIndex, "vanish", tell)
        list_folder = library_walk.list_folder

        def place_after(folder: Folder, *rest: Any) -> Any:
            below = list_folder(folder, *rest)
            if folder.path == str(old.parent) and not old.with_name("b.safetensors").exists():
                path, content = put_model(server, "b.safetensors")
                library.places.took(str(path), content)
                old.write_bytes(b"other content")
                library.places.took(str(old), hashlib.sha256(b"other content").hexdigest())
            return below

        monkeypatch.setattr(library_walk, "list_folder", place_after)
        monkeypatch.setattr(library_watch, "list_folder", place_after)
        library.scan()
        assert gone == []
        assert library.places.at_path(str(old.with_name("b.safetensors")))
        assert library.hashing.status()["files_left"] == 0
        old.unlink()
        library.scan()
        assert gone == ["a.safetensors"]

    def test_a_file_that_went_while_it_was_hashed_at_once_is_not_there_again(
        self, server: RunningServer
    ) -> None:
        path, _ = put_model(server, data=bytes(100 << 20))
        place_of(server, path)
        library = server.store.library

        def look() -> None:
            if path.exists():
                path.unlink()
                library.scan()

        library.places.hash_now(str(path), look)
        assert library.places.at_path(str(path)) is None


class TestHashesThatAreLate:
    def test_a_place_that_changed_since_it_was_hashed_has_a_record_of_its_own(
        self, server: RunningServer
    ) -> None:
        path, before = put_model(server, data=b"before")
        place_id = note(server, path, "of the old")
        hash_all(server)
        server.store.library.hashing.pause()
        path.write_bytes(b"something else")
        server.store.library.scan()
        assert said(server, place_id)[0] == ""
        answer = server.ask("PATCH", f"/models/{place_id}", json={"notes": "of the new"})
        assert answer.status_code == 200
        hash_all(server)
        after = hashlib.sha256(b"something else").hexdigest()
        assert said(server, after) == ("of the new", "present", 0)
        assert said(server, before) == ("of the old", "missing", 1)

    def test_what_is_said_of_a_file_joins_its_content_though_a_record_has_claimed_the_path(
        self, server: RunningServer
    ) -> None:
        path, content = put_model(server)
        place_id = note(server, path, "mine")
        server.store.library.records.make(content, path=str(path), base_model="Pony")
        assert said(server, place_id) == ("mine", "present", 1)
        hash_all(server)
        assert said(server, content) == ("mine", "present", 1)
        assert server.get(f"/models/{content}").json()["base_model"] == "Pony"

    def test_what_changes_as_soon_as_it_is_hashed_keeps_its_pictures(
        self, server: RunningServer
    ) -> None:
        path, content = put_model(server, data=b"one")
        place_id = note(server, path, "mine")
        library = server.store.library
        spot = library.places.spot_at(str(path))
        assert spot
        path.write_bytes(b"another")
        found = path.stat()
        with library.places.lock:
            library.places.learn(spot, content, None)
            library.places.see(spot, Facts(found.st_size, found.st_mtime_ns, found.st_ino), None)
        library.places.publish()
        assert said(server, place_id) == ("mine", "present", 1)
        hash_all(server)
        assert said(server, place_id) == ("mine", "present", 1)

    @pytest.mark.parametrize("size", [300, 400], ids=["same size", "other size"])
    def test_the_hash_of_the_data_of_what_took_a_files_place_leaves_it_to_be_hashed(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        path, old = put_model(server, data=safetensors("LORA", "old", size=300))
        other = safetensors("LORA", "new", size=size)
        place_id = place_of(server, path)
        ask = HashingProcess.hash
        of_data: list[Hashed] = []

        def as_of_large_files(
            process: HashingProcess, paths: Sequence[str], what: bytes
        ) -> Iterator[Hashed]:
            if what == DATA and path.read_bytes() != other:
                path.with_suffix(".part").write_bytes(other)
                path.with_suffix(".part").replace(path)
                server.store.library.scan()
                assert upload(server, place_id, picture()).status_code == 200
            found = list(ask(process, paths, what))
            of_data.extend(found if what == DATA else ())
            yield from found if what == DATA else (each._replace(auto_v3=None) for each in found)

        monkeypatch.setattr(HashingProcess, "hash", as_of_large_files)
        hash_all(server)
        content = hashlib.sha256(other).hexdigest()
        until(lambda: len(of_data) > 1)
        hashed(server)
        place = server.store.library.places.at_path(str(path))
        assert place and place.sha256 == content != old
        assert server.get(f"/images/get_img_num?sha256={old}").json()["count"] == 1

    @pytest.mark.parametrize("grows", [0, 1], ids=["of one size", "of any size"])
    @pytest.mark.parametrize("change", ["over", "round"])
    def test_files_that_are_hashed_under_others_names_before_anybody_looks_keep_what_is_their_own(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch, change: str, grows: int
    ) -> None:
        data = [b"%d" % n + b"x" * n * grows for n in range(3)]
        put = [put_model(server, f"{n}.safetensors", data=data[n]) for n in range(3)]
        (one, first), (two, second), (three, third) = put
        gone = note(server, one, "first")
        note(server, two, "second one")
        note(server, three, "third of them")
        aside = one.with_name("aside")
        steps = [(two, one)]
        if change == "round":
            steps = [(one, aside), (two, one), (three, two), (aside, three)]
        work, ask = iter([replace(*steps)]), HashingProcess.hash

        def change_and_ask(
            process: HashingProcess, paths: Sequence[str], what: bytes
        ) -> Iterator[Hashed]:
            next(work, bool)()
            return iter(list(ask(process, paths, what)))

        monkeypatch.setattr(HashingProcess, "hash", change_and_ask)
        hash_all(server)
        server.store.library.scan()
        hashed(server)
        assert said(server, second) == ("second one", "present", 1)
        assert said(server, third) == ("third of them", "present", 1)
        lost = (gone, "missing") if change == "over" else (first, "present")
        assert said(server, lost[0]) == ("first", lost[1], 1)

    def test_files_of_a_drive_that_went_while_they_were_hashed_are_hashed_when_it_is_back(
        self, server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, content = put_model(server, "drive/a.safetensors")
        place_of(server, path)
        library = server.store.library
        ask = HashingProcess.hash

        def unplug(process: HashingProcess, paths: Sequence[str], what: bytes) -> Iterator[Hashed]:
            if not (tmp_path / "away").exists() and path.exists():
                path.parent.rename(tmp_path / "away")
            return iter(list(ask(process, paths, what)))

        with monkeypatch.context() as patched:
            patched.setattr(HashingProcess, "hash", unplug)
            library.hashing.resume()
            assert library.hashing.wait(20)
        assert library.hashing.status()["failed"] == 1
        library.scan()
        assert library.places.at_path(str(path)) is None
        (tmp_path / "away").rename(path.parent)
        library.scan()
        hashed(server)
        place = library.places.at_path(str(path))
        assert place and place.sha256 == content
        assert library.hashing.status()["failed"] == 0


class TestImports:
    def test_a_row_whose_file_moves_while_it_is_hashed_becomes_a_record_of_where_it_is(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, content = put_model(server)
        target = path.with_name("moved.safetensors")
        [row] = staged(server, path)
        places = server.store.library.places
        hash_now = places.hash_now

        def hash_and_move(*args: Any) -> str:
            found = hash_now(*args)
            path.rename(target)
            server.store.library.scan()
            return found

        monkeypatch.setattr(places, "hash_now", hash_and_move)
        told = server.post("/migration/import_models", json={"id": [row]}).json()
        assert told["success"] == [row]
        record = server.store.library.records.get(content)
        assert record and (record["path"], record["paths"]) == (str(target), [str(target)])
        assert record["name"] == target.name

    def test_what_is_moved_and_said_while_an_export_is_taken_in_stays_so(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, first = put_model(server)
        _, second = put_model(server)
        place_of(server, path)
        hash_all(server)
        server.store.records.make(first, path=str(path))
        exchange = server.store.library_exchange
        taken: Any = vars(exchange)["_import"]
        row = taken._row

        def move_meanwhile(key: str) -> Mapping[str, Any] | None:
            if key == second:
                path.rename(path.with_name("moved.safetensors"))
                server.store.library.scan()
                server.ask("PATCH", f"/models/{first}", json={"notes": "mine"})
            return row(key)

        monkeypatch.setattr(taken, "_row", move_meanwhile)
        models = [{"id": key, "base_model": "Pony", "notes": "theirs"} for key in (first, second)]
        answer = server.post(
            "/library/import/upload",
            files={"file": made_export(models=models)},
            params={"dry_run": "false"},
        )
        report_of(server, answer)
        record = server.store.records.get(first)
        assert record
        assert (record["notes"], record["base_model"]) == ("mine", "Pony")
        assert record["paths"] == [str(path.with_name("moved.safetensors"))]

    def test_a_picture_beside_a_file_that_is_hashed_meanwhile_is_its_contents(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = ("a", "b")
        contents = [put_model(server, f"{name}.safetensors") for name in names]
        for colour, (path, _) in enumerate(contents):
            path.with_suffix(".preview.png").write_bytes(picture((colour, 0, 0)))
        server.store.library.scan()
        add = Samples.add

        def hash_and_add(samples: Samples, *args: Any, **how: Any) -> int:
            if server.store.library.hashing.status()["files_left"]:
                seq = add(samples, *args, **how)
                hash_all(server)
                return seq
            return add(samples, *args, **how)

        monkeypatch.setattr(Samples, "add", hash_and_add)
        answer = server.post("/library/sidecars", json={"dry_run": False})
        assert report_of(server, answer)["previews"] == 2
        assert [server.store.samples.count(content) for _, content in contents] == [1, 1]


def test_what_cannot_be_written_for_one_file_is_heard_by_the_others(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = put_model(server)
    _, other = put_model(server)
    place_id = note(server, path, "mine")

    def refuse(*_: Any) -> bool:
        raise DiskFull("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(server.store.records, "join", refuse)
        hash_all(server)
        for key in (content, other):
            row = server.store.library.row(key)
            assert row and row["status"] == "present"
        assert server.store.samples.count(content) == 1
    server.ask("PATCH", f"/models/{content}", json={"rating": 3})
    assert place_id in server.store.records


def test_two_that_changed_names_are_told_apart_though_only_one_of_them_was_kept(
    tmp_path: Path,
) -> None:
    with library_server(tmp_path) as server:
        contents = dict(put_model(server) for _ in range(40))
        server.store.library.scan()
        hash_all(server)
        spots = {spot.leaf: spot for spot in server.store.library.places.present()}
        first, second = (spots[leaf] for leaf in sorted(spots))
        one, two = Path(first.path), Path(second.path)
        data = server.store.host.data
    aside = one.with_name("aside")
    replace((one, aside), (two, one), (aside, two))()
    with Database.open(data / "database", COLLECTIONS) as database:
        # Killed when the leaf of the first was written, and that of the second was not.
        leaf = database.collection("places").get(str(first.leaf))
        assert leaf
        [row] = [row for row in leaf["places"] if row[0] == first.place_id]
        row[2] = second.name
        database.collection("places").put(leaf)
    with library_server(tmp_path) as server:
        server.store.library.hashing.pause()
        server.store.library.scan()
        places = {place.place_id: place for place in server.store.library.places.all()}
        assert len(places) == len(contents)
        for spot, path, content in ((first, two, contents[one]), (second, one, contents[two])):
            place = places[spot.place_id]
            assert (place.path, place.sha256) == (str(path), content)
        two.unlink()
        server.store.library.scan()
        assert str(two) not in {place.path for place in server.store.library.places.all()}
