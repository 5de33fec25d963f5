"""Runs that fetch a model's gallery, and what they bring, as the routes show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.serving import RunningServer
from tests.upstream import Upstream, World, shapes
from tests.upstream.records import Image, Version
from tests.waiting import until

ENDED = ("done", "stopped", "idle")
LISTS = "image.getInfinite"
MEDIA = "original=true"
"""What is asked for where: pages of pictures, and the pictures themselves."""


def start(server: RunningServer, model_id: int, action: str = "start", **how: Any) -> Any:
    answer = server.post(f"/loras/{model_id}/gallery", json={"action": action, **how})
    assert answer.status_code == 200, answer.text
    return answer.json()


def gallery(server: RunningServer, model_id: int, **query: Any) -> dict[str, Any]:
    answer = server.get(f"/loras/{model_id}/gallery", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(server: RunningServer, model_id: int) -> dict[str, Any]:
    """G as soon as the run has ended."""
    until(lambda: server.store.gallery_runs.facts(model_id)["status"] in ENDED)
    return gallery(server, model_id)


def ran(server: RunningServer, model_id: int, action: str = "start", **how: Any) -> dict[str, Any]:
    start(server, model_id, action, **how)
    return finished(server, model_id)


def job_of(server: RunningServer) -> dict[str, Any]:
    """The newest job of a run."""
    return next(job for job in server.get("/jobs").json()["jobs"] if job["kind"] == "gallery")


def list_also(upstream: Upstream, version: Version, images: Iterable[Image]) -> None:
    """From now on CivitAI lists exactly these pictures for a version."""
    page = {"items": [shapes.trpc_image(image) for image in images]}
    told = {"result": {"data": {"json": page}}}
    upstream.faults.add(f'{LISTS}.*"modelVersionId":{version.id},', json=told, times=None)


def ids(items: list[dict[str, Any]]) -> set[int]:
    return {int(item["id"]) for item in items}


def cards_of(world: World, label: str) -> set[int]:
    return {card.id for version in world.model(label).versions for card in version.cards}


def shared_of(world: World, label: str) -> set[int]:
    """What the community shares of a model and can be fetched, without its cards."""
    images = {image.id for image in world.images_of(world.model(label)) if not image.is_lost}
    return images - cards_of(world, label)
