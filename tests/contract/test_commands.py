"""The program's long jobs from a terminal, on a store of their own and on one that is held."""

from __future__ import annotations

from pathlib import Path

from comfyui_curator.store import Options
from tests.libraries import hashed, listed, put
from tests.programs import run
from tests.serving import RunningServer


def test_scan_looks_and_hashes_and_says_what_it_found(tmp_path: Path) -> None:
    put(tmp_path, "loras/a.safetensors")
    put(tmp_path, "loras/b.safetensors")
    done = run("scan", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "files: 2\n" in done.stdout
    with RunningServer(tmp_path) as server:
        assert all(row["sha256"] for row in listed(server))


def test_scan_asks_the_process_that_holds_the_store(tmp_path: Path, options: Options) -> None:
    with RunningServer(tmp_path, options) as server:
        listed(server)
        put(tmp_path, "loras/a.safetensors")
        for how in (("--root", tmp_path), ("--server", server.url)):
            done = run("scan", *how)
            assert done.returncode == 0, done.stderr
            assert "files: 1\n" in done.stdout
        hashed(server)
        assert listed(server)[0]["sha256"]


def test_a_server_that_is_none_is_told_as_such(tmp_path: Path) -> None:
    done = run("scan", "--root", tmp_path, "--server", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "No Curator answers at http://127.0.0.1:9" in done.stderr


def test_export_and_import_take_what_is_known_to_another_root(tmp_path: Path) -> None:
    sha256 = "ab" * 32
    with RunningServer(tmp_path / "one") as server:
        server.store.records.change(sha256, lambda record: record.update(notes="n"))
    done = run("export", "--root", tmp_path / "one")
    assert done.returncode == 0, done.stderr
    assert "models: 1\n" in done.stdout
    (export,) = (tmp_path / "one" / "curator" / "exports").glob("*.zip")
    assert f"name: {export.name}\n" in done.stdout
    done = run("import", "--root", tmp_path / "two", export)
    assert done.returncode == 0, done.stderr
    assert "models: 1 new\n" in done.stdout
    with RunningServer(tmp_path / "two") as server:
        assert (server.store.records.get(sha256) or {})["notes"] == "n"
        again = run("import", "--dry-run", "--server", server.url, export)
        assert "models: 1 known\n" in again.stdout, again.stderr


def test_a_backup_is_made_and_put_back(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        server.store.records.change("ab" * 32, lambda record: record.update(notes="before"))
        done = run("backup", "--root", tmp_path)
        assert done.returncode == 0, done.stderr
        name = next(line[6:] for line in done.stdout.splitlines() if line.startswith("name: "))
        server.store.records.change("ab" * 32, lambda record: record.update(notes="after"))
        held = run("restore", "--root", tmp_path, name)
        assert held.returncode == 3
    done = run("restore", "--root", tmp_path, name)
    assert done.returncode == 0, done.stderr
    with RunningServer(tmp_path) as server:
        assert (server.store.records.get("ab" * 32) or {})["notes"] == "before"
