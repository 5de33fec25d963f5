"""The key of the door and its sessions."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfyui_curator.store.access import SESSION_SECONDS, SESSIONS, Access
from comfyui_curator.store.engine import Collection, Database
from comfyui_curator.store.errors import Misconfigured


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Collection]:
    database = Database.open(tmp_path / "database", (SESSIONS,))
    yield database.collection("sessions")
    database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access-key"


class TestTheKey:
    def test_is_made_once_and_stays(self, path: Path, sessions: Collection) -> None:
        made = Access(path, sessions).key
        assert len(made) >= 32
        assert Access(path, sessions).key == made
        assert path.read_text() == made + "\n"

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    def test_lies_in_a_file_that_only_its_owner_reads(
        self, path: Path, sessions: Collection
    ) -> None:
        Access(path, sessions)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_that_is_given_is_written_nowhere(self, path: Path, sessions: Collection) -> None:
        access = Access(path, sessions, given="made-up")
        assert access.admits("made-up")
        assert not path.exists()

    def test_may_be_written_by_hand_and_is_made_where_the_file_is_empty(
        self, path: Path, sessions: Collection
    ) -> None:
        path.write_text("  by-hand \n\n")
        assert Access(path, sessions).admits("by-hand")
        path.write_text("\n")
        assert len(Access(path, sessions).key) >= 32

    @pytest.mark.parametrize("shown", ["", " ", "made-u", "made-up ", "MADE-UP", "clé", "\udcff"])
    def test_admits_nothing_else(self, path: Path, sessions: Collection, shown: str) -> None:
        assert not Access(path, sessions, given="made-up").admits(shown)

    def test_that_cannot_be_read_stops_the_start(self, path: Path, sessions: Collection) -> None:
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(Misconfigured):
            Access(path, sessions)
        path.unlink()
        path.mkdir()
        with pytest.raises(Misconfigured):
            Access(path, sessions)


class TestSessions:
    def test_are_open_until_they_are_closed(self, path: Path, sessions: Collection) -> None:
        access = Access(path, sessions)
        one, two = access.open_session(), access.open_session()
        assert one != two
        assert access.knows_session(one)
        access.close_session(one)
        access.close_session("unknown")
        assert not access.knows_session(one)
        assert access.knows_session(two)

    def test_survive_a_restart_but_not_a_new_key(self, path: Path, sessions: Collection) -> None:
        session = Access(path, sessions).open_session()
        assert Access(path, sessions).knows_session(session)
        assert not Access(path, sessions, given="another").knows_session(session)

    def test_end_after_thirty_days(
        self, path: Path, sessions: Collection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        access = Access(path, sessions)
        monkeypatch.setattr("time.time", lambda: 1_000_000.0)
        session = access.open_session()
        monkeypatch.setattr("time.time", lambda: 1_000_000.0 + SESSION_SECONDS - 1)
        assert access.knows_session(session)
        monkeypatch.setattr("time.time", lambda: 1_000_000.0 + SESSION_SECONDS + 1)
        assert not access.knows_session(session)
        access.open_session()
        assert len(sessions) == 1

    def test_are_not_to_be_had_from_what_is_stored(self, path: Path, sessions: Collection) -> None:
        access = Access(path, sessions)
        session = access.open_session()
        stored = [record["id"] for record in sessions]
        assert session not in stored
        assert not any(access.knows_session(each) for each in stored)
