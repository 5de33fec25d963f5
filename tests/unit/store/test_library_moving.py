"""Moves of model files when the process dies at any step."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfyui_curator.store.library_moving import Moving
from tests.dying import deaths
from tests.moving import FILES, make_root, move, opened, undo

MOVED = ("new/A/a.safetensors", "new/B/b.safetensors")


def files_of(root: Path) -> dict[str, str]:
    """What lies in the models folder, and what is in it."""
    loras = root / "models" / "loras"
    found = (path for path in loras.rglob("*") if path.is_file())
    return {path.relative_to(loras).as_posix(): path.read_text() for path in found}


def entry_of(moving: Moving) -> str:
    """Where the catalog says that the first file lies."""
    found = next(iter(moving.catalog.files["loras"].index.found))
    return f"{found.dest.removeprefix('loras/')}/{found.file}"


def make_moved(root: Path) -> Path:
    with opened(make_root(root)) as moving:
        assert move(moving)["moved"] == 2
    return root


@pytest.mark.parametrize("act", ["move", "undo-move"])
def test_killed_at_any_step_each_file_is_whole_in_one_place_that_is_known_and_can_go_back(
    tmp_path: Path, act: str
) -> None:
    make = make_root if act == "move" else make_moved
    seen: set[int] = set()
    for root in deaths(act, lambda step: make(tmp_path / str(step)), every=3):
        with opened(root) as moving:
            moving.recover()
            there = files_of(root)
            assert sorted(there.values()) == sorted(FILES), root.name
            assert all(path in (*FILES, *MOVED) for path in there), root.name
            assert all(name.endswith(path.rpartition("/")[2]) for path, name in there.items())
            moved = [path for path in MOVED if path in there]
            seen.add(len(moved))
            assert entry_of(moving) == next(path for path in there if there[path] == FILES[0])
            known = moving.listed()
            assert sum(each["moved"] - each["undone"] for each in known) == len(moved), root.name
            if known:
                assert undo(moving)["moved"] == len(moved)
            assert files_of(root) == {name: name for name in FILES}
            assert entry_of(moving) == FILES[0]
            moving.recover()
            assert files_of(root) == {name: name for name in FILES}
    assert seen == {0, 1, 2}


def test_a_name_that_was_taken_and_nothing_more_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no hard links the name is taken by an empty file first."""
    root = make_root(tmp_path / "root")

    def no_links(*given: object, **how: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    with opened(root) as moving:
        loras = root / "models" / "loras"
        (loras / "new" / "A").mkdir(parents=True)
        (loras / MOVED[0]).touch()
        moving.files.put({"id": "m:0", "move": "m", "n": 0, "key": "k", "root": str(loras),
                          "source": str(loras / FILES[0]), "target": str(loras / MOVED[0]),
                          "state": "moving", "open": True})  # fmt: skip
        moving.recover()
        assert files_of(root) == {name: name for name in FILES}
        assert move(moving)["moved"] == 2
        assert sorted(files_of(root)) == sorted(MOVED)
        assert undo(moving)["moved"] == 2
        assert files_of(root) == {name: name for name in FILES}


def test_a_folder_that_cannot_be_written_costs_a_reason_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_root(tmp_path / "root")

    def refuse(self: Path, *given: object, **how: object) -> None:
        raise PermissionError(30, "Read-only file system")

    with opened(root) as moving:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "mkdir", refuse)
            report = move(moving)
        assert (report["moved"], report["skipped"]) == (0, 2)
        assert "Read-only" in report["entries"][0]["reason"]
        assert files_of(root) == {name: name for name in FILES}
        moving.recover()
        assert files_of(root) == {name: name for name in FILES}
