"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import stat
import threading
from itertools import islice
from pathlib import Path

import pytest

from comfyui_curator.store.errors import CuratorError, DiskFull
from comfyui_curator.store.files import (
    numbered,
    place_new,
    remove_leftovers,
    replacing,
    same_content,
    write_atomic,
)
from tests.small_disk import full, small_disk

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


class TestReplacing:
    def test_makes_the_file_and_its_folder(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "file.bin"
        write_atomic(path, b"new")
        assert path.read_bytes() == b"new"
        assert names_in(path.parent) == {"file.bin"}

    def test_leaves_the_old_one_when_the_block_raises(self, tmp_path: Path) -> None:
        path = tmp_path / "file.bin"
        path.write_bytes(b"old")

        def fail() -> None:
            with replacing(path) as file:
                file.write(b"half of the ne")
                raise KeyError("x")

        with pytest.raises(KeyError):
            fail()
        assert path.read_bytes() == b"old"
        assert names_in(tmp_path) == {"file.bin"}

    def test_is_seen_whole_by_who_reads_meanwhile(self, tmp_path: Path) -> None:
        path = tmp_path / "file.bin"
        write_atomic(path, b"0" * 50_000)
        stop = threading.Event()
        seen: set[bytes] = set()

        def read() -> None:
            while not stop.is_set():
                data = path.read_bytes()
                seen.add(data[:1] if len(data) == 50_000 == data.count(data[:1]) else b"torn")

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(1, 10):
            write_atomic(path, str(number).encode() * 50_000)
        stop.set()
        reader.join()
        assert b"torn" not in seen

    @POSIX
    def test_keeps_the_mode_of_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "file.bin"
        path.write_bytes(b"old")
        path.chmod(0o640)
        write_atomic(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    @POSIX
    def test_is_at_no_moment_readable_by_others_when_it_is_secret(self, tmp_path: Path) -> None:
        path = tmp_path / "secret"
        with replacing(path, mode=0o600) as file:
            file.write(b"key")
            modes = [stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()]
        assert modes == [0o600]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_on_a_full_disk_nothing_has_changed(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as folder:
            path = folder / "file.bin"
            path.write_bytes(b"old")
            with full(folder), pytest.raises(DiskFull) as refused:
                write_atomic(path, b"n" * 30_000)
            assert refused.value.status == 507
            assert path.read_bytes() == b"old"
            assert names_in(folder) == {"file.bin"}
            write_atomic(path, b"new")
            assert path.read_bytes() == b"new"

    def test_says_what_could_not_be_written_but_not_where(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(CuratorError) as refused:
            write_atomic(tmp_path / "file" / "below.json", b"x")
        assert "below.json" in refused.value.text
        assert str(tmp_path) not in refused.value.text

    def test_what_a_killed_process_left_is_swept_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "models.json"
        kept = {"models.json", ".models.json", ".loras.json.0123456789ab.tmp", "models.json.tmp"}
        for name in {*kept, ".models.json.0123456789ab.tmp"}:
            (tmp_path / name).write_bytes(b"x")
        remove_leftovers(path)
        assert names_in(tmp_path) == kept
        remove_leftovers(tmp_path / "nowhere" / "models.json")


class TestPlacing:
    def test_moves_to_a_free_name(self, tmp_path: Path) -> None:
        (tmp_path / "source").write_bytes(b"x")
        assert place_new(tmp_path / "source", tmp_path / "target")
        assert names_in(tmp_path) == {"target"}

    def test_leaves_both_when_the_name_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "source").write_bytes(b"x")
        (tmp_path / "target").write_bytes(b"y")
        assert not place_new(tmp_path / "source", tmp_path / "target")
        assert (tmp_path / "source").read_bytes() == b"x"
        assert (tmp_path / "target").read_bytes() == b"y"

    def test_of_many_at_once_one_gets_the_name(self, tmp_path: Path) -> None:
        sources = [tmp_path / f"source {number}" for number in range(12)]
        for source in sources:
            source.write_bytes(source.name.encode())
        won: list[str] = []

        def place(source: Path) -> None:
            if place_new(source, tmp_path / "target"):
                won.append(source.name)

        threads = [threading.Thread(target=place, args=(source,)) for source in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert (tmp_path / "target").read_text() == won[0]
        assert len(names_in(tmp_path)) == 12

    @pytest.mark.parametrize("taken", [False, True])
    def test_works_where_there_are_no_hard_links(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
    ) -> None:
        monkeypatch.setattr(os, "link", _refuse_links)
        (tmp_path / "source").write_bytes(b"x")
        if taken:
            (tmp_path / "target").write_bytes(b"y")
        assert place_new(tmp_path / "source", tmp_path / "target") is not taken
        assert (tmp_path / "target").read_bytes() == (b"y" if taken else b"x")

    def test_leaves_no_empty_file_when_it_cannot_move(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "link", _refuse_links)
        with pytest.raises(FileNotFoundError):
            place_new(tmp_path / "nothing", tmp_path / "target")
        assert names_in(tmp_path) == set()


def _refuse_links(source: Path, target: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_content_is_compared_not_times(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"abc")
    other.write_bytes(b"abd")
    os.utime(other, (0, 0))
    os.utime(one, (0, 0))
    assert not same_content(one, other)
    other.write_bytes(b"abc")
    assert same_content(one, other)
    assert not same_content(one, tmp_path / "nowhere")


def test_names_are_counted_up() -> None:
    names = [path.name for path in islice(numbered(Path("a/b.c.png")), 3)]
    assert names == ["b.c.png", "b.c_2.png", "b.c_3.png"]
