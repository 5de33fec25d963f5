"""What works on many models at once, over HTTP: lookups, imports, matching, bulk changes, moves."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.number_fields import NUMBER
from ..store.trigger_words import Presets, TriggerWord, TriggerWords
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()

_MOST_KEYS = 10_000
_Key = Annotated[str, Field(min_length=1, max_length=200)]
_Keys = Annotated[list[_Key], Field(max_length=_MOST_KEYS)]
_Tag = Annotated[int, NUMBER] | Annotated[str, Field(min_length=1, max_length=200)]
_JOB = "`{job}`; its report: `GET /library/reports/{id}`"


class Chosen(Input):
    """Some models, by hash or place; without `keys` all."""

    keys: _Keys | None = None


class LookingUp(Chosen):
    """Whom to ask about; `again`: also what CivitAI has been asked before."""

    again: bool = False


class Importing(Chosen):
    """What to take over from beside the models; a dry run only says what it would be."""

    dry_run: bool = True
    tags: bool = True
    previews: bool = True


class Move(Chosen):
    """Which files go where; `file` is a new name (without its ending) for a single one."""

    rule: str = Field(min_length=1, max_length=1000)
    type: str = Field(default="", max_length=200)
    file: str = Field(default="", max_length=200)
    dry_run: bool = True


class Deleting(Input):
    """Some models."""

    keys: Annotated[list[_Key], Field(min_length=1, max_length=_MOST_KEYS)]


class Moves(Input):
    """A page of moves."""

    limit: int = Field(default=50, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class Cursor(Input):
    """A page of pictures."""

    limit: int = Field(default=100, ge=1, le=1000)
    before: Annotated[str | None, BeforeValidator(lambda value: value or None)] = None


class Some(Input):
    """Models by hash or place, with commas between."""

    keys: str = Field(default="", max_length=7000)


class Unused(Input):
    """What was not used for so many days."""

    days: int = Field(default=90, ge=0, le=36_500)
    type: str = Field(default="", max_length=200)
    sort: Literal["size_bytes", "last_used", "name"] = "size_bytes"
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class Fields(Input):
    """Fields to set; what is not sent stays."""

    name: Annotated[str, Field(max_length=1_000)] | None = None
    type: Annotated[str, Field(max_length=200)] | None = None
    base_model: Annotated[str, Field(max_length=200)] | None = None
    notes: Annotated[str, Field(max_length=100_000)] | None = None
    rating: Annotated[int, Field(ge=0, le=5), NUMBER] | None = None
    favorite: bool | None = None
    trigger_words: TriggerWords | None = None
    presets: Presets | None = None


class Bulk(Input):
    """What to do with a selection; tags by number or name (new names become tags)."""

    keys: Annotated[list[_Key], Field(min_length=1, max_length=_MOST_KEYS)]
    set: Fields = Fields()
    add_tags: list[_Tag] = Field(default_factory=list[_Tag], max_length=500)
    remove_tags: list[_Tag] = Field(default_factory=list[_Tag], max_length=500)
    add_trigger_words: TriggerWords = Field(default_factory=list[TriggerWord])
    remove_trigger_words: TriggerWords = Field(default_factory=list[TriggerWord])
    add_to: list[_Key] = Field(default_factory=list[_Key], max_length=100)
    remove_from: list[_Key] = Field(default_factory=list[_Key], max_length=100)


@routes.add(
    "POST",
    "/library/lookup",
    access=Access.KEY,
    body=LookingUp,
    summary="Ask CivitAI about hashed models, a hundred at once; what it does not know is "
    "remembered for a week. The report: {asked, found, absent, failed, known, unknown: [key]}",
    answers={200: _JOB, 400: "A body that cannot be read", 409: "Another lookup goes on"},
)
async def look_up(call: Call[Nothing, LookingUp]) -> web.StreamResponse:
    """The same call while it goes on answers the same job."""
    organising, body = call.store.organising, call.body
    job = await asyncio.to_thread(organising.look_up, body.keys, again=body.again)
    return json_answer({"job": job})


@routes.add(
    "POST",
    "/library/sidecars",
    access=Access.KEY,
    body=Importing,
    summary="Take over .civitai.info, .metadata.json, .cm-info.json, A1111's .json and pictures "
    "beside the models: fills what is empty, never touches those files. The report: {dry_run, "
    "models, with_files, changed, previews, files, fields, unreadable, entries, unknown: [key]}",
    answers={200: _JOB, 400: "A body that cannot be read", 409: "Another import goes on"},
)
async def import_sidecars(call: Call[Nothing, Importing]) -> web.StreamResponse:
    """Without `dry_run: false` nothing changes."""
    body = call.body
    job = await asyncio.to_thread(
        call.store.organising.import_sidecars,
        body.keys,
        dry_run=body.dry_run,
        tags=body.tags,
        previews=body.previews,
    )
    return json_answer({"job": job})


@routes.add(
    "POST",
    "/library/delete",
    access=Access.KEY,
    body=Deleting,
    summary="Put the files of a selection into the trash; what was said of the models stays, "
    "shown as missing: {deleted, unknown: [key], failed: [{key, file, reason}]}",
    answers={200: "How many files went", 400: "No keys", 507: "The disk is full"},
)
async def delete_files(call: Call[Nothing, Deleting]) -> web.StreamResponse:
    """`POST /trash/{id}/restore` brings them back; the same call again does nothing."""
    told = await asyncio.to_thread(call.store.organising.delete, call.body.keys)
    return json_answer(told)


@routes.add(
    "POST",
    "/library/move",
    access=Access.KEY,
    body=Move,
    summary="Move files within their roots by a rule ({base_model}/{kind}/{file}), never over "
    "another file. The report: {dry_run, rule, move, total, moved, unchanged, skipped, entries: "
    "[{key, file, to, reason}], unknown: [key]}; move is the id to undo it by",
    answers={200: _JOB, 400: "A rule that cannot be", 409: "Another move goes on"},
)
async def move_files(call: Call[Nothing, Move]) -> web.StreamResponse:
    """Without `dry_run: false` nothing moves."""
    body = call.body
    job = await asyncio.to_thread(
        call.store.organising.move,
        body.rule,
        body.keys,
        type_=body.type,
        file=body.file,
        dry_run=body.dry_run,
    )
    return json_answer({"job": job})


@routes.get(
    "/library/moves",
    access=Access.KEY,
    query=Moves,
    summary="The last fifty moves, newest first: {moves: [{id, rule, created, moved, undone}], "
    "total}",
)
async def list_moves(call: Call[Moves, Nothing]) -> web.StreamResponse:
    """`undone`: how many of its files were put back."""
    query = call.query
    found = await asyncio.to_thread(call.store.organising.moving.listed)
    page = found[query.offset : query.offset + query.limit]
    return json_answer({"moves": page, "total": len(found)})


@routes.add(
    "POST",
    "/library/moves/{id}/undo",
    access=Access.KEY,
    summary="Put the files of a move back where they were, never over another file",
    answers={200: _JOB, 404: "No such move", 409: "Another move goes on"},
)
async def undo_move(call: Plain) -> web.StreamResponse:
    """What is back already stays."""
    job = await asyncio.to_thread(call.store.organising.undo_move, call.text("id"))
    return json_answer({"job": job})


@routes.get(
    "/library/reports/{id}",
    access=Access.KEY,
    summary="What a job of the library has done, or by now: {job, report}",
    answers={200: "The last twenty jobs have one", 404: "No such job"},
)
async def show_report(call: Plain) -> web.StreamResponse:
    """Also while it goes on, and of one that was cancelled."""
    return json_answer(await asyncio.to_thread(call.store.organising.tasks.told, call.text("id")))


@routes.get(
    "/library/models/{key}/civitai",
    access=Access.KEY,
    summary="What CivitAI says of a model: {checked, found: {version_id, model_id, name, "
    "version_name, base_model, type, trained_words, tags, nsfw, description, creator, file, "
    "pictures} or null}; checked is when it was asked, in ms, null: never",
    answers={200: "What is known", 404: "No such model"},
)
async def show_civitai(call: Plain) -> web.StreamResponse:
    """Asks nobody: `POST /library/lookup` does."""
    return json_answer(await asyncio.to_thread(call.store.organising.civitai, call.text("key")))


@routes.get(
    "/library/models/{key}/pictures",
    access=Access.KEY,
    query=Cursor,
    summary="Pictures of the gallery made with a model, last added first: {images, total, next}",
    answers={200: "A page", 400: "A cursor that cannot be read", 404: "No such model"},
)
async def list_pictures_of(call: Call[Cursor, Nothing]) -> web.StreamResponse:
    """Matched by SHA-256, AutoV2, AutoV3 and CivitAI's version; pass next as before."""
    found = await asyncio.to_thread(
        call.store.organising.pictures_of,
        call.text("key"),
        limit=call.query.limit,
        before=call.query.before,
    )
    return json_answer(found)


@routes.get(
    "/library/faces",
    access=Access.KEY,
    query=Some,
    summary="Pictures that stand for models: {faces: {key: {samples, picture, nsfw_level}}}; "
    "picture is of the gallery, where there is no sample",
    answers={200: "Of those that there are"},
)
async def show_faces(call: Call[Some, Nothing]) -> web.StreamResponse:
    """`samples` is their number; GET /images/{key}_0.webp is the first."""
    keys = [key for key in call.query.keys.split(",") if key]
    return json_answer({"faces": await asyncio.to_thread(call.store.organising.faces, keys)})


@routes.get(
    "/library/models/{key}/use",
    access=Access.KEY,
    summary="When a model was last used: {last_used}, in ms, null when nothing tells it",
    answers={200: "As far as prompts and own pictures tell it", 404: "No such model"},
)
async def show_use(call: Plain) -> web.StreamResponse:
    """Prompts given to ComfyUI while Curator was there, and own pictures of the gallery."""
    used = await asyncio.to_thread(call.store.organising.last_used, call.text("key"))
    return json_answer({"last_used": used})


@routes.get(
    "/library/pictures/{item_id}/models",
    access=Access.KEY,
    summary="The models that a picture says it was made with: {models: [{key, by, name, weight, "
    "model}], unknown: [{hash, version_id, name, weight}]}",
    answers={200: "Those here, and those that are not", 404: "No such picture"},
)
async def list_models_of(call: Plain) -> web.StreamResponse:
    """`by` is hash or version; `model` is the library's row."""
    return json_answer(
        await asyncio.to_thread(call.store.organising.models_of, call.text("item_id"))
    )


@routes.get(
    "/library/unused",
    access=Access.KEY,
    query=Unused,
    summary="Models not used for so many days, nor new since: {models, total, size_bytes}; rows "
    "carry last_used and first_seen in ms",
    answers={200: "A page, the largest first", 400: "A filter that cannot be read"},
)
async def list_unused(call: Call[Unused, Nothing]) -> web.StreamResponse:
    """`last_used` null: nothing tells that it ever was."""
    query = call.query
    found = await asyncio.to_thread(
        call.store.organising.unused, query.days, type_=query.type, sort=query.sort
    )
    page = found[query.offset : query.offset + query.limit]
    size = sum(row["size_bytes"] for row in found)
    return json_answer({"models": page, "total": len(found), "size_bytes": size})


@routes.add(
    "POST",
    "/library/bulk",
    access=Access.KEY,
    body=Bulk,
    summary="Change a selection of models at once: all or, when it cannot be, none",
    answers={
        200: "`{changed, unchanged, unknown: [key]}`",
        400: "A field or tag that cannot be",
        404: "No such collection",
        507: "The disk is full",
    },
)
async def change_many(call: Call[Nothing, Bulk]) -> web.StreamResponse:
    """The same call again changes nothing."""
    from ..store.bulk_changes import Wish

    body = call.body
    wish = Wish(
        body.set.model_dump(exclude_none=True),
        body.add_tags,
        body.remove_tags,
        [each.model_dump() for each in body.add_trigger_words],
        [each.model_dump() for each in body.remove_trigger_words],
        body.add_to,
        body.remove_from,
    )
    changed: dict[str, Any] = await asyncio.to_thread(
        call.store.organising.bulk.change, body.keys, wish
    )
    return json_answer(changed)
