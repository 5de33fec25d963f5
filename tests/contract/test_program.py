"""The program as a person starts it: a process of its own, asked over HTTP, stopped by signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from comfyui_curator.store.gallery import Facts
from comfyui_curator.store.generation import Generation
from tests.programs import command, environment, program
from tests.serving import RunningServer
from tests.upstream.pictures import png
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = os.name == "nt"


def ask(address: str, path: str, method: str = "GET", **how: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{address}{path}", timeout=20, **how)  # pyright: ignore[reportArgumentType] - passed through


def refusal(*arguments: str | Path, **variables: str) -> tuple[int, str]:
    """Exit status and stderr of a start that must fail."""
    done = subprocess.run(
        command("serve", "--port", "0", *arguments),
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**variables),
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_the_first_line_is_an_address_that_answers(tmp_path: Path) -> None:
    with program("--root", tmp_path) as (_, address):
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/")
        assert ask(address, "api/admin/hello").json()["status"] == "ok"
    for folder in ("models/loras", "assets/input", "assets/output", "curator"):
        assert (tmp_path / folder).is_dir()


def test_the_root_and_the_key_come_from_the_environment_too(tmp_path: Path) -> None:
    variables = {
        "CURATOR_ROOT": str(tmp_path),
        "CURATOR_KEY": "example",
        "CURATOR_REQUIRE_KEY": "1",
    }
    with program(**variables) as (_, address):
        assert ask(address, "api/admin/settings").status_code == 401
        shown = {"X-API-Key": "example"}
        assert ask(address, "api/admin/settings", headers=shown).status_code == 200
    assert not (tmp_path / "curator" / "access-key").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(WINDOWS, reason="Windows has no way to send these to one process")
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with program("--root", tmp_path) as (process, address):
        ask(address, "api/admin/settings", "PATCH", json={"proxy_foreign": True})
        stream = ask(address, "api/admin/events", stream=True)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        stream.close()
        assert process.returncode == 0
        assert "Traceback" not in errors
    with program("--root", tmp_path) as (_, address):
        assert ask(address, "api/admin/settings").json()["proxy_foreign"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.8])
@pytest.mark.skipif(sys.platform != "linux", reason="holds signals back from the first moment")
def test_a_signal_while_it_starts_ends_it_without_a_word(
    tmp_path: Path, number: signal.Signals, wait: float
) -> None:
    """Through the launcher that a checkout's first process becomes, with signals held back."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        started = subprocess.Popen(
            command("serve", "--port", "0", "--root", tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    time.sleep(wait)
    started.send_signal(number)
    _, errors = started.communicate(timeout=30)
    assert (started.returncode, "Traceback" in errors) == (0, False), errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", [0.0, 0.2])
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what the process hears")
def test_a_signal_while_the_checkout_starts_ends_it_without_a_word(
    tmp_path: Path, number: signal.Signals, wait: float
) -> None:
    started = subprocess.Popen(
        [sys.executable, str(ROOT), "serve", "--port", "0", "--root", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    # What Python does before it comes to us is nothing we can change.
    until(lambda: hears(started.pid, signal.SIGTERM))
    time.sleep(wait)
    started.send_signal(number)
    _, errors = started.communicate(timeout=30)
    assert (started.returncode, "Traceback" in errors) == (0, False), errors


def hears(pid: int, number: signal.Signals) -> bool:
    told = Path(f"/proc/{pid}/status").read_text()
    (caught,) = [line.split()[1] for line in told.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_an_interrupted_command_has_not_done_its_work(tmp_path: Path) -> None:
    started = subprocess.Popen(
        command("rebuild", "--gallery", "--root", tmp_path), stderr=subprocess.PIPE, text=True
    )
    if not WINDOWS:
        until(lambda: hears(started.pid, signal.SIGTERM))
        started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=30)
    assert (started.returncode, "Traceback" in errors) == (0 if WINDOWS else 130, False), errors


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, errors = refusal("--root", tmp_path, "--port", str(taken.getsockname()[1]))
    assert status == 2
    assert errors.count("\n") == 1
    assert "in use" in errors


def test_a_root_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    status, errors = refusal("--root", file / "root")
    assert status == 2
    assert errors.count("\n") == 1
    assert str(file) in errors


@pytest.mark.parametrize(
    "content", ['{"proxy": ', "[]", '{"civitai_in_flight": "many"}', "\x00\xff"]
)
def test_a_broken_settings_file_is_said_in_one_line_and_left_alone(
    tmp_path: Path, content: str
) -> None:
    settings = tmp_path / "curator" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(content, encoding="utf-8")
    status, errors = refusal("--root", tmp_path)
    assert status == 2
    assert errors.count("\n") == 1
    assert "settings.json" in errors
    assert settings.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--civitai", "not-an-address"], "--civitai must be an http(s) address"),
        (["--civitai-images", "x"], "--civitai-images must be"),
        (["--public-url", "ftp://example.org"], "--public-url must be an http(s) address"),
        (["--host", "no.such.name.invalid"], "--host"),
    ],
)
def test_a_wrong_flag_is_said_in_one_line(tmp_path: Path, arguments: list[str], names: str) -> None:
    status, errors = refusal("--root", tmp_path, *arguments)
    assert status == 2
    assert errors.count("\n") == 1
    assert names in errors


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CURATOR_CIVITAI", "nonsense"),
        ("CURATOR_HUGGINGFACE", "nonsense"),
        ("CURATOR_PUBLIC_URL", "nonsense"),
        ("CIVITAI_API_KEY", "two words"),
        ("CURATOR_REQUIRE_KEY", "maybe"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str) -> None:
    status, errors = refusal("--root", tmp_path, **{variable: value})
    assert (status, errors.count("\n")) == (2, 1)
    assert f"{variable} must be" in errors


def test_a_second_program_on_one_root_says_who_holds_it(tmp_path: Path) -> None:
    with program("--root", tmp_path) as (process, address):
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        status, errors = refusal("--root", tmp_path)
        assert status == 3
        assert errors.count("\n") == 1
        assert str(process.pid) in errors
        assert address.rstrip("/") in errors
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_second_comfyui_answers_503_with_the_owners_address(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.png"
    drawn.write_bytes(png("lantern", 64, 96))
    with RunningServer(tmp_path) as first:
        facts = Facts("1", generation=Generation(prompt="a lantern"))
        first.store.gallery.add_file(drawn, facts)
    with program("--root", tmp_path) as (_, address):
        item = ask(address, "api/admin/gallery?limit=1").json()["images"][0]
        with RunningServer(tmp_path) as second:
            for path in ("/gallery", "/hello", "/models", "/settings"):
                refused = second.get(path)
                assert refused.status_code == 503
                assert address.rstrip("/") in refused.json()["error"]
            elsewhere = second.get("/gallery", headers={"X-Forwarded-For": "203.0.113.9"})
            assert elsewhere.status_code == 401
            assert address.rstrip("/") not in elsewhere.text
            picture = second.pictures.picture(item["id"])
            assert picture.path.is_file()
            assert picture.prompt == item["meta"]["prompt"] == "a lantern"


def test_demo_fills_an_empty_root_once(tmp_path: Path) -> None:
    with program("--root", tmp_path, "--demo") as (_, address):
        first = ask(address, "api/admin/gallery?limit=500").json()
        assert first["total"] >= 24
        assert ask(address, "api/admin/loras").json()["stats"]["total_count"] > 0
    with program("--root", tmp_path, "--demo") as (_, address):
        again = ask(address, "api/admin/gallery?limit=500").json()
        assert [item["id"] for item in again["images"]] == [item["id"] for item in first["images"]]


def test_demo_adds_nothing_to_a_root_that_is_in_use(tmp_path: Path) -> None:
    catalog = tmp_path / "curator" / "loras.json"
    catalog.parent.mkdir()
    catalog.write_text(json.dumps({"version": 1, "date": "", "categories": []}))
    with program("--root", tmp_path, "--demo") as (_, address):
        assert ask(address, "api/admin/gallery").json()["total"] == 0


def test_beyond_loopback_the_key_is_asked_for_and_shown_on_stderr_alone(tmp_path: Path) -> None:
    with program("--root", tmp_path, "--host", "0.0.0.0") as (process, address):
        assert ask(address, "api/admin/settings").status_code == 401
        key = (tmp_path / "curator" / "access-key").read_text().strip()
        shown = {"X-API-Key": key}
        assert ask(address, "api/admin/settings", headers=shown).status_code == 200
        process.terminate()
        output, errors = process.communicate(timeout=20)
        assert key in errors
        assert key not in output
