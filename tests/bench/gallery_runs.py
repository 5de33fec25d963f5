"""Gallery runs: 200 pictures beside `curl --parallel`, and what a run of 1,000 does to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import requests

from tests.bench import Row, against, below
from tests.loading import load_pack

_ROOT = Path(__file__).resolve().parents[2]
_MEDIA = "original=true"
_DELAY = 0.05
_PICTURES = 200
_ROUNDS = 3
_MANY = 1000
_TICK = 0.001
_IDLE_SECONDS = 5.0


def rows() -> Iterator[Row]:
    """The time of a run against curl's, and the event loop's delay."""
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as text:
        yield _beside_curl(Path(text))
        yield _loop_delay(Path(text))


def _beside_curl(folder: Path) -> Row:
    ours: list[float] = []
    peers: list[float] = []
    with _upstream(_PICTURES + 60) as world:
        model_id = world["models"]["lora"]
        _told(world, "POST", "/__faults__", {"path": _MEDIA, "times": None, "delay": _DELAY})
        for number in range(_ROUNDS):
            _told(world, "DELETE", "/__requests__")
            ours.append(_run(folder / str(number), world, model_id))
            addresses = sorted(
                {
                    f"{world['images_origin']}{each['path']}"
                    for each in _told(world, "GET", f"/__requests__?path={_MEDIA}")
                    if each["status"] == 200
                }
            )
            assert len(addresses) >= _PICTURES
            peers.append(_curl(folder / f"curl-{number}", addresses))
    what = f"a run of {_PICTURES} pictures, 50 ms a request [s]"
    name = "curl --parallel --parallel-max 8, the same files"
    return against(what, statistics.median(ours), statistics.median(peers), name, 1.5)


def _run(root: Path, world: dict[str, Any], model_id: int) -> float:
    """Seconds from the start of a run until it is done, in the program."""
    with _program(root, world) as api, requests.Session() as session:
        session.trust_env = False
        path = f"{api}/loras/{model_id}/gallery"
        session.get(path, timeout=30).raise_for_status()
        start = time.perf_counter()
        session.post(path, json={"action": f"start:{_PICTURES}"}, timeout=30).raise_for_status()
        # The list of jobs costs next to nothing; a page asks every two seconds.
        while _runs(session, api):
            time.sleep(0.03)
        seconds = time.perf_counter() - start
        found = session.get(path, params={"limit": 1}, timeout=30).json()
        assert found["status"] == "done" and "error" not in found, found
        assert found["downloaded"] >= _PICTURES
        return seconds


def _runs(session: requests.Session, api: str) -> bool:
    jobs = session.get(f"{api}/jobs", timeout=30).json()["jobs"]
    return any(job["kind"] == "gallery" and job["state"] in ("queued", "running") for job in jobs)


def _curl(folder: Path, addresses: list[str]) -> float:
    folder.mkdir()
    lines = [
        f'url = "{address}"\noutput = "{folder / str(number)}"\n'
        for number, address in enumerate(addresses)
    ]
    config = folder / "config"
    config.write_text("".join(lines), encoding="utf-8")
    command = ["curl", "-s", "--parallel", "--parallel-max", "8", "-K", str(config)]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    assert len(list(folder.iterdir())) == len(addresses) + 1
    return seconds


def _loop_delay(folder: Path) -> Row:
    load_pack()
    from comfyui_curator.store import Options
    from tests.serving import RunningServer

    with _upstream(_MANY + 60) as world:
        options = Options(world["civitai"], world["images"])
        with RunningServer(folder / "loop", options) as server:
            model_id = world["models"]["lora"]
            idle = server.run(_delays(lambda: True, _IDLE_SECONDS))
            server.post(f"/loras/{model_id}/gallery", json={"action": f"start:{_MANY}"})
            runs = server.store.gallery_runs
            busy = server.run(
                _delays(lambda: runs.facts(model_id)["status"] == "downloading", 600.0)
            )
            facts = runs.facts(model_id)
            assert facts["downloaded"] >= _MANY and "error" not in facts, facts
            # The thumbnails are made after the run.
            thumbs = server.store.thumbs_backfill
            while not thumbs.is_busy and not server.store.jobs.listed()[0]["kind"] == "thumbs":
                time.sleep(0.001)
            busy += server.run(_delays(lambda: thumbs.is_busy, 600.0))
    over = _last_of_a_thousand(busy) - _last_of_a_thousand(idle)
    what = f"the event loop's delay in a run of {_MANY:,} pictures with thumbnails, p99.9 over idle"
    return below(what, max(0.0, over * 1000), 20, "ms")


async def _delays(holds: Any, seconds: float) -> list[float]:
    """By how much each short sleep was too long."""
    found: list[float] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end and holds():
        before = loop.time()
        await asyncio.sleep(_TICK)
        found.append(max(0.0, loop.time() - before - _TICK))
    return found


def _last_of_a_thousand(delays: list[float]) -> float:
    return sorted(delays)[min(len(delays) - 1, int(len(delays) * 0.999))]


@contextlib.contextmanager
def _program(root: Path, world: dict[str, Any]) -> Generator[str, None, None]:
    launcher = _ROOT / "tests" / "launcher.py"
    command = [sys.executable, str(launcher), "serve", "--port", "0", "--root", str(root)]
    bases = ["--civitai", world["civitai"], "--civitai-images", world["images"]]
    process = subprocess.Popen(
        [*command, *bases], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield f"{process.stdout.readline().strip()}api/admin"
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def _upstream(pictures: int) -> Generator[dict[str, Any], None, None]:
    """A CivitAI in a process of its own, its pictures drawn: its addresses and models."""
    command = [sys.executable, "-m", "tests.bench.gallery_runs", str(pictures)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _told(world: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, world["civitai"] + path, json=body, timeout=60)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def _serve(pictures: int) -> None:
    from tests.upstream import Upstream, World

    world = World(images_per_model=pictures)
    lora = world.model("lora")
    cards = [card for version in lora.versions for card in version.cards]
    world.draw([*world.images_of(lora), *cards])
    with Upstream(world) as up:
        up.switches.page_size = None
        told = {
            "civitai": up.civitai,
            "images": up.civitai_images,
            "images_origin": up.civitai_images.rpartition("/")[0],
            "models": {"lora": lora.id},
        }
        print(json.dumps(told), flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
