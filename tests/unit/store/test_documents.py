"""Documents that a person edits while we run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import catalog_entries
from comfyui_curator.store.documents import Document, DocumentWatch
from comfyui_curator.store.errors import Conflict, DiskFull
from tests.catalog_files import EXAMPLE, INVENTED, all_entries
from tests.small_disk import full, small_disk

ROOT = Path(__file__).resolve().parents[3]
EMPTY = '{\n  "version": 1,\n  "date": "",\n  "categories": []\n}'


def open_document(path: Path, edited: Callable[[], None] = lambda: None) -> Document:
    return Document(path, empty=catalog_entries.empty, check=catalog_entries.check, edited=edited)


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def put_note(text: Any, key: str = "note") -> Callable[[dict[str, Any]], Any]:
    def edit(data: dict[str, Any]) -> tuple[dict[str, Any], None]:
        return {**data, key: text}, None

    return edit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models.json"


class TestWhatGoesIn:
    @pytest.mark.parametrize("source", [EXAMPLE, INVENTED], ids=["example", "invented"])
    def test_comes_out_byte_for_byte_but_for_what_was_changed(
        self, path: Path, source: Path
    ) -> None:
        path.write_bytes(source.read_bytes())
        document = open_document(path)
        document.change(lambda data: ({**data, "version": data["version"] + 1}, None))
        before, after = source.read_text("utf-8"), path.read_text("utf-8")
        version = json.loads(before)["version"]
        assert after == before.replace(f'"version": {version}', f'"version": {version + 1}', 1)

    def test_numbers_stay_what_they_are_however_long(self, path: Path) -> None:
        numbers = [2**63, 2**64, -(2**70), 10**40, 0.1, 1e-300, 1.7976931348623157e308, -0.0, 4.0]
        path.write_text(json.dumps({"categories": [], "numbers": numbers}))
        document = open_document(path)
        document.change(put_note("x"))
        kept = json.loads(path.read_text("utf-8"))["numbers"]
        assert list(map(repr, kept)) == list(map(repr, numbers))

    @pytest.mark.parametrize("ending", ["", "\n"])
    def test_the_newline_at_the_end_is_kept_as_found(self, path: Path, ending: str) -> None:
        path.write_text(EMPTY + ending)
        open_document(path).change(put_note("größer 動画"))
        text = path.read_text("utf-8")
        assert text.endswith("}" + ending)
        assert '  "note": "größer 動画"\n' in text

    def test_a_byte_order_mark_and_windows_line_ends_are_read(self, path: Path) -> None:
        path.write_bytes(b"\xef\xbb\xbf" + EMPTY.replace("\n", "\r\n").encode())
        document = open_document(path)
        assert document.state.fault is None
        document.change(put_note("x"))
        assert path.read_bytes().startswith(b'{\n  "version": 1')

    def test_a_missing_file_is_empty_and_made_by_the_first_change(self, path: Path) -> None:
        document = open_document(path)
        assert document.state.data == {"version": 0, "date": "", "categories": []}
        assert not path.exists()
        document.change(put_note("x"))
        assert json.loads(path.read_text("utf-8"))["note"] == "x"

    def test_nothing_is_written_when_there_is_nothing_to_change(self, path: Path) -> None:
        document = open_document(path)
        assert document.change(lambda data: (None, "looked")) == "looked"
        assert not path.exists()


BROKEN = {
    "a missing comma": ('{\n  "categories": []\n  "version": 1\n}', 3, 3),
    "a stray word": ('{\n  "categories": [wrong]\n}', 2, 18),
    "cut in the middle": ('{\n  "categories": [\n', 3, 1),
    "an empty file": ("", 1, 1),
    "not a number": ('{"categories": [],\n "size": NaN}', 2, 10),
    "a number without end": ('{"categories": [],\n "size": 1e999}', 2, 10),
    "half a character": ('{"categories": [],\n "name": "\\ud83d"}', 2, 11),
    "a repeated key": ('{"categories": [],\n "date": "1",\n "date": "2"}', 3, 2),
    "a repeated key deep inside": (
        '{"categories": [{"id": "a", "models": [\n  {"file": "x"},\n'
        '  {"file": "{\\"file\\": 1}", "tags": ["file"],\n   "file": "y"}]}]}',
        4,
        4,
    ),
    "a list at the top": ("\n [1, 2]", 2, 2),
    "no categories": ('{"version": 1}', 1, 1),
    "categories that are no list": ('{\n  "version": 1,\n  "categories": {"a": 1}\n}', 3, 17),
    "a category that is no object": ('{"categories": [\n  7]}', 2, 3),
    "a category without id": ('{"categories": [\n  {"id": "a"},\n  {"name": "b"}]}', 3, 3),
    "models that are no list": ('{"categories": [{"id": "a",\n"models": "none"}]}', 2, 11),
    "an entry that is no object": (
        '{"categories": [{"id": "a", "models": [{"file": "x", "tags": [1, {"a": []}]},\n "y"]}]}',
        2,
        2,
    ),
}


class TestAFileThatCannotBeRead:
    @pytest.mark.parametrize("text,line,column", BROKEN.values(), ids=BROKEN.keys())
    def test_is_left_alone_and_its_line_and_column_are_named(
        self, path: Path, text: str, line: int, column: int
    ) -> None:
        path.write_text(EMPTY)
        document = open_document(path)
        document.change(put_note("good"))
        path.write_text(text)
        with pytest.raises(Conflict) as refused:
            document.change(put_note("lost"))
        assert refused.value.status == 409
        assert refused.value.facts == {"file": "models.json", "line": line, "column": column}
        assert f"line {line}, column {column}" in refused.value.text
        assert path.read_text() == text
        assert document.state.data["note"] == "good"
        assert document.state.fault is not None
        assert document.state.fault.line == line

    def test_is_not_replaced_either_when_it_was_broken_at_the_start(self, path: Path) -> None:
        path.write_text("{broken")
        document = open_document(path)
        assert document.state.data["categories"] == []
        with pytest.raises(Conflict):
            document.change(put_note("x"))
        assert path.read_text() == "{broken"

    def test_takes_changes_again_once_it_is_mended(self, path: Path) -> None:
        path.write_text("{broken")
        document = open_document(path)
        path.write_text('{"categories": [], "mended": true}')
        document.change(put_note("x"))
        assert document.state.data == {"categories": [], "mended": True, "note": "x"}
        assert document.state.fault is None

    def test_bytes_that_are_no_text_are_named_by_place_too(self, path: Path) -> None:
        path.write_bytes(b'{"categories": [],\n "name": "gr\xf6\xdfer"}')
        with pytest.raises(Conflict) as refused:
            open_document(path).change(put_note("x"))
        assert refused.value.facts == {"file": "models.json", "line": 2, "column": 13}

    def test_nesting_without_end_is_refused(self, path: Path) -> None:
        path.write_text('{"categories": [], "a": ' + "[" * 100_000 + "]" * 100_000 + "}")
        with pytest.raises(Conflict):
            open_document(path).change(put_note("x"))

    def test_a_folder_in_its_place_is_no_reason_to_stop(self, path: Path) -> None:
        path.mkdir()
        document = open_document(path)
        assert document.state.fault is not None
        with pytest.raises(Conflict):
            document.change(put_note("x"))
        assert path.is_dir()

    def test_unknown_keys_are_fine_anywhere(self, path: Path) -> None:
        text = {
            "categories": [{"id": "a", "shelf": 3, "models": [{"odd": {"deep": [None]}}]}],
            "own": 1,
        }
        path.write_text(json.dumps(text))
        assert open_document(path).state.data == text


class TestEditsByHand:
    @pytest.fixture
    def watched(self, path: Path) -> Iterator[tuple[Document, threading.Event]]:
        path.write_text(EMPTY)
        noticed = threading.Event()
        document = open_document(path, noticed.set)
        watch = DocumentWatch([document])
        yield document, noticed
        watch.close()

    def test_are_noticed_without_anybody_asking(
        self, path: Path, watched: tuple[Document, threading.Event]
    ) -> None:
        document, noticed = watched
        path.write_text(EMPTY.replace('"date": ""', '"date": "by hand"'))
        assert noticed.wait(10)
        assert document.state.data["date"] == "by hand"

    def test_that_break_the_file_and_mend_it_are_both_noticed(
        self, path: Path, watched: tuple[Document, threading.Event]
    ) -> None:
        document, noticed = watched
        path.write_text("{")
        assert noticed.wait(10)
        assert document.state.fault
        assert document.state.data["version"] == 1
        noticed.clear()
        path.write_text(EMPTY)
        assert noticed.wait(10)
        assert document.state.fault is None

    def test_our_own_changes_are_not_taken_for_them(
        self, watched: tuple[Document, threading.Event]
    ) -> None:
        document, noticed = watched
        document.change(put_note("x"))
        document.refresh()
        assert not noticed.is_set()

    def test_a_removed_file_is_an_empty_catalog(
        self, path: Path, watched: tuple[Document, threading.Event]
    ) -> None:
        document, noticed = watched
        path.unlink()
        assert noticed.wait(10)
        assert document.state.data["version"] == 0

    @pytest.mark.parametrize("in_place", [True, False], ids=["in place", "by another file"])
    def test_made_while_we_write_survive_together_with_our_change(
        self, path: Path, in_place: bool
    ) -> None:
        path.write_text(EMPTY)
        document = open_document(path)
        runs: list[dict[str, Any]] = []

        def edit(data: dict[str, Any]) -> tuple[dict[str, Any], None]:
            runs.append(data)
            if len(runs) == 1:
                text = EMPTY.replace('"date": ""', '"date": "by hand"')
                if in_place:
                    path.write_text(text)
                else:
                    other = path.with_suffix(".new")
                    other.write_text(text)
                    other.replace(path)
            return {**data, "note": "ours"}, None

        document.change(edit)
        kept = json.loads(path.read_text("utf-8"))
        assert (kept["date"], kept["note"]) == ("by hand", "ours")
        assert len(runs) == 2

    def test_that_break_the_file_while_we_write_are_not_overwritten(self, path: Path) -> None:
        path.write_text(EMPTY)
        document = open_document(path)

        def edit(data: dict[str, Any]) -> tuple[dict[str, Any], None]:
            path.write_text("{half an edit")
            return {**data, "note": "ours"}, None

        with pytest.raises(Conflict):
            document.change(edit)
        assert path.read_text() == "{half an edit"
        assert names_in(path.parent) == ["models.json"]


class TestChanges:
    def test_at_the_same_time_come_one_after_the_other(self, path: Path) -> None:
        document = open_document(path)
        start = threading.Barrier(16)

        def count() -> None:
            start.wait()
            for _ in range(5):
                document.change(lambda data: ({**data, "count": data.get("count", 0) + 1}, None))

        threads = [threading.Thread(target=count) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert json.loads(path.read_text("utf-8"))["count"] == 80

    def test_that_raise_change_nothing(self, path: Path) -> None:
        path.write_text(EMPTY)
        document = open_document(path)

        def fail(data: dict[str, Any]) -> tuple[dict[str, Any], None]:
            raise ValueError("no")

        with pytest.raises(ValueError):
            document.change(fail)
        assert path.read_text() == EMPTY
        document.change(put_note("x"))

    def test_on_a_full_disk_fail_whole_and_the_next_one_works(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as folder:
            path = folder / "models.json"
            path.write_text(EMPTY)
            document = open_document(path)
            with full(folder), pytest.raises(DiskFull):
                document.change(put_note("y" * 20_000))
            assert path.read_text() == EMPTY
            assert names_in(folder) == ["models.json"]
            assert "note" not in document.state.data
            document.change(put_note("z"))
            assert json.loads(path.read_text("utf-8"))["note"] == "z"

    @pytest.mark.skipif(os.name == "nt", reason="kills itself by a POSIX signal")
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_killed_around_the_last_step_leave_the_old_file_or_the_new_one(
        self, path: Path, moment: str
    ) -> None:
        path.write_bytes(EXAMPLE.read_bytes())
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, str(ROOT), str(path), moment], timeout=60
        )
        assert killed.returncode == -signal.SIGKILL
        left_behind = [name for name in names_in(path.parent) if name != "models.json"]
        assert bool(left_behind) == (moment == "before")
        document = open_document(path)
        assert names_in(path.parent) == ["models.json"]
        assert ("note" in document.state.data) == (moment == "after")
        example = json.loads(EXAMPLE.read_text("utf-8"))
        assert all_entries(document.state.data) == all_entries(example)


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.loading import load_pack
load_pack()
from comfyui_curator.store import catalog_entries
from comfyui_curator.store.documents import Document
replace = Path.replace
def die(self, target):
    if sys.argv[3] == "after":
        replace(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = die
document = Document(Path(sys.argv[2]), empty=catalog_entries.empty, check=catalog_entries.check,
                    edited=print)
document.change(lambda data: ({**data, "note": "x"}, None))
"""
