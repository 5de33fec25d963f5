"""Scanning, pending models and the migration of an older database over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, cast

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.errors import BadInput, Conflict, CuratorError, Impossible, NotFound
from ..store.number_fields import NUMBER
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Routes
from .threads import patiently

if TYPE_CHECKING:
    from ..store.importing import Outcome

routes = Routes()


def _ids(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise ValueError("id must be a non-empty array")
    return cast("object", value)


def _none_if_null(value: object) -> object:
    return None if value in ("", "null") else value


_Strategy = Annotated[str | None, BeforeValidator(_none_if_null)]


class ModelScan(Input):
    """Which files: of one type, or all."""

    type: str | None = Field(default=None, min_length=1)


class Page(Input):
    """A part of a list; without `limit` all of it."""

    limit: int | None = Field(default=None, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class One(Input):
    """A pending row."""

    id: str = ""


class LegacyDatabase(Input):
    """An older database on the machine that runs Curator, and the folder of its pictures."""

    legacy_db_path: str | None = None
    legacy_images_dir: str | None = None


class ModelImport(Input):
    """Which pending rows, and what to do where there is a record already."""

    id: Annotated[list[Any], BeforeValidator(_ids)]
    conflict_strategy: _Strategy = None
    """null (a conflict), `override`, `merge`, `ignore` or `delete`."""


class SingleImport(Input):
    """One pending row."""

    id: Annotated[int, NUMBER] | str | None = None
    conflict_strategy: _Strategy = None


@routes.add(
    "POST",
    "/models/scan",
    access=Access.KEY,
    body=ModelScan,
    summary="Look through the models folders and stage every file that no record has taken up",
    answers={
        200: "{status, scanned, pending_added, skipped, pending_ids}",
        400: "There is no such type",
        507: "The disk is full",
    },
)
async def scan_models(call: Call[Nothing, ModelScan]) -> web.StreamResponse:
    """Changes no file and stages none twice."""
    store = call.store
    told = await patiently(store.staging.scan, call.body.type or "", store.library.types())
    return json_answer({**told, "added": told["pending_added"]})


@routes.get(
    "/migration/pending_models",
    access=Access.KEY,
    query=Page,
    summary="What waits to be imported, the oldest file first",
    answers={200: "{models: [{id, name, image, type, tags}], total}"},
)
async def list_pending(call: Call[Page, Nothing]) -> web.StreamResponse:
    """All of it, or a page."""
    listed = await asyncio.to_thread(
        call.store.staging.listed, limit=call.query.limit, offset=call.query.offset
    )
    return json_answer(listed)


@routes.get(
    "/migration/pending_model",
    access=Access.KEY,
    query=One,
    summary="One pending model, whole",
    answers={200: "The row", 400: "id is missing, or no number", 404: "Pending model not found"},
)
async def show_pending(call: Call[One, Nothing]) -> web.StreamResponse:
    """The row."""
    if not call.query.id:
        raise BadInput("id is required", field="id")
    number = _number(call.query.id)
    return json_answer(await asyncio.to_thread(call.store.staging.show, number))


@routes.add(
    "POST",
    "/migration/migrate_legacy_db",
    access=Access.KEY,
    body=LegacyDatabase,
    summary="Take over the database of Hikaze's predecessor; opened read-only",
    answers={
        200: "{status, db_migration, image_migration}; `failed` when a row had an error",
        400: "No local path, or no such database",
        409: "Another program is writing it, or the job was cancelled",
        507: "The disk is full",
    },
)
async def migrate_database(call: Call[Nothing, LegacyDatabase]) -> web.StreamResponse:
    """Run again it changes nothing that a person has changed since."""
    if not call.body.legacy_db_path:
        raise BadInput("legacy_db_path is required", field="legacy_db_path")
    told = await patiently(
        call.store.migration.migrate, call.body.legacy_db_path, call.body.legacy_images_dir or ""
    )
    return json_answer(told)


@routes.add(
    "POST",
    "/migration/import_models",
    access=Access.KEY,
    body=ModelImport,
    summary="ModelImport pending models, each on its own",
    answers={
        207: "{total, success, conflict, ignored, deleted, failed}",
        400: "id must be a non-empty array",
    },
)
async def import_models(call: Call[Nothing, ModelImport]) -> web.StreamResponse:
    """What became of each."""
    from ..store.importing import report  # heavy, and not needed before the first call

    ids = call.body.id
    outcomes = await patiently(call.store.staging.importing.many, ids, call.body.conflict_strategy)
    return json_answer(report(outcomes, len(ids)), status=207)


@routes.add(
    "POST",
    "/migration/import_a_model",
    access=Access.KEY,
    body=SingleImport,
    summary="ModelImport one pending model (deprecated: import_models)",
    answers={
        200: "{status: success, ignored or deleted, id, deprecated: true}",
        400: "id is missing, or no number",
        404: "{status: error}: unknown id",
        409: "{status: conflict, pending, existing}",
        422: "{status: error}: the file cannot be read",
    },
)
async def import_model(call: Call[Nothing, SingleImport]) -> web.StreamResponse:
    """What became of it."""
    if call.body.id is None or call.body.id == "":
        raise BadInput("id is required", field="id")
    number = _number(str(call.body.id))
    importing, strategy = call.store.staging.importing, call.body.conflict_strategy
    outcome = await patiently(importing.one, number, strategy)
    if outcome.status in ("success", "ignored", "deleted"):
        told: dict[str, Any] = {"status": outcome.status, "id": outcome.id, "deprecated": True}
        if outcome.sha256:
            told["sha256"] = outcome.sha256
        return json_answer(told)
    raise _error(outcome)


def _error(outcome: Outcome) -> CuratorError:
    facts: dict[str, Any] = {"status": "error", "id": outcome.id, "deprecated": True}
    if outcome.status == "conflict":
        facts.update(status="conflict", pending=outcome.pending, existing=outcome.existing)
        return Conflict("There is a model with this content already.", facts=facts)
    if outcome.kind == "unknown":
        return NotFound(outcome.error, facts=facts)
    return Impossible(outcome.error, facts=facts)


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19):
        raise BadInput("id must be an integer", field="id")
    return int(text)
