"""Long work on the whole gallery over HTTP, and the room it takes."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import Field

from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()


class StudioFolderToAdopt(Input):
    """A folder of ComfyUI Studio, by its whole path on the server's machine."""

    path: str = Field(min_length=1, max_length=4000)
    dry_run: bool = True
    link: bool = True
    """Where the disks allow it; otherwise files are copied."""


class GalleryRebuild(Input):
    """Whether to change anything."""

    dry_run: bool = False


class GalleryCleanup(Input):
    """Whether only to tell; that is so unless said otherwise."""

    dry_run: bool = True


@routes.add(
    "POST",
    "/gallery/adoption",
    access=Access.KEY,
    body=StudioFolderToAdopt,
    summary="Take over the pictures that ComfyUI Studio has gathered, with stars and previews; "
    "its files are linked, or copied, and stay",
    answers={
        200: "The job; its figures are told by /gallery/tasks/{job_id}",
        400: "No whole path",
        404: "No such folder, or nothing of Studio's in it",
        409: "Another folder is being taken over",
    },
)
async def adopt(call: Call[Nothing, StudioFolderToAdopt]) -> web.StreamResponse:
    """Begin, or show the one that goes on."""
    body = call.body
    adopt_ = call.store.gallery_upkeep.adopt
    return json_answer(
        await asyncio.to_thread(adopt_, body.path, dry_run=body.dry_run, copy=not body.link)
    )


@routes.add(
    "POST",
    "/gallery/rebuild",
    access=Access.KEY,
    body=GalleryRebuild,
    summary="Make the gallery's index anew from its files and the JSON beside them",
    answers={
        200: "The job; its figures are told by /gallery/tasks/{job_id}",
        409: "Its other kind goes on",
    },
)
async def rebuild(call: Call[Nothing, GalleryRebuild]) -> web.StreamResponse:
    """Begin, or show the one that goes on."""
    work = call.store.gallery_upkeep.rebuild
    return json_answer(await asyncio.to_thread(work, dry_run=call.body.dry_run))


@routes.add(
    "POST",
    "/gallery/cleanup",
    access=Access.KEY,
    body=GalleryCleanup,
    summary="Remove pictures that nothing refers to (of models in no catalog; no star, not one's "
    "own, not fetched singly, no preview, in no collection) and files of no picture",
    answers={
        200: "The job; its figures are told by /gallery/tasks/{job_id}",
        409: "Its other kind goes on",
    },
)
async def clean_up(call: Call[Nothing, GalleryCleanup]) -> web.StreamResponse:
    """Begin, or show the one that goes on."""
    work = call.store.gallery_upkeep.clean_up
    return json_answer(await asyncio.to_thread(work, dry_run=call.body.dry_run))


@routes.get(
    "/gallery/tasks/{job_id}",
    access=Access.KEY,
    summary="What has come of long work on the gallery: {job, report}",
    answers={200: "The job and its figures", 404: "No such job"},
)
async def show_task(call: Plain) -> web.StreamResponse:
    """While it runs, its figures so far."""
    return json_answer(call.store.gallery_upkeep.told(call.text("job_id")))


@routes.get(
    "/gallery/disk",
    access=Access.KEY,
    summary="The room that the gallery takes, in all and by model",
    answers={200: "{bytes, count, limit_bytes, free_bytes, models}"},
)
async def show_disk(call: Plain) -> web.StreamResponse:
    """The models with most bytes first."""
    return json_answer(await asyncio.to_thread(call.store.gallery.disk.shown))
