"""Everything out, and in again, over HTTP: exports, imports, backups."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import Field

from ..store.errors import BadInput, WrongType
from .answers import json_answer
from .files import file_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()

_JOB = "`{job}`; its report: `GET /library/reports/{id}`"


class Exporting(Input):
    """Whether the gallery's pictures and the samples go along."""

    pictures: bool = True


class Taking(Input):
    """An export on this machine's disk; a dry run only says what it would bring."""

    path: str = Field(min_length=1, max_length=4_000)
    dry_run: bool = True


class Receiving(Input):
    """A dry run only says what it would bring."""

    dry_run: bool = True


class Page(Input):
    """A page of files."""

    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


@routes.add(
    "POST",
    "/library/export",
    access=Access.KEY,
    body=Exporting,
    summary="Write all that is known, without the model files, into one zip. The report: {name, "
    "size_bytes, models, tags, collections, lookups, uses, samples, pictures, missing}",
    answers={200: _JOB, 409: "Another export goes on"},
)
async def export_library(call: Call[Nothing, Exporting]) -> web.StreamResponse:
    """The file is at `GET /library/exports/{name}` when the job is over."""
    exchange = call.store.library_exchange
    job = await asyncio.to_thread(exchange.export, pictures=call.body.pictures)
    return json_answer({"job": job})


@routes.get(
    "/library/exports",
    access=Access.KEY,
    query=Page,
    summary="Exports that were written, newest first: {exports: [{name, size_bytes, created}], "
    "total}; created is in ms",
)
async def list_exports(call: Call[Page, Nothing]) -> web.StreamResponse:
    """They stay until they are removed."""
    found = await asyncio.to_thread(call.store.library_exchange.exports.listed)
    page = found[call.query.offset : call.query.offset + call.query.limit]
    return json_answer({"exports": page, "total": len(found)})


@routes.get(
    "/library/exports/{name}",
    access=Access.KEY,
    summary="An export as a file",
    answers={200: "The zip", 206: "A range of it", 304: "Unchanged", 404: "No such export"},
)
async def send_export(call: Plain) -> web.StreamResponse:
    """To save; it can be resumed."""
    path = await asyncio.to_thread(call.store.library_exchange.exports.path, call.text("name"))
    return _zip(call.request, path)


@routes.add(
    "DELETE",
    "/library/exports/{name}",
    access=Access.KEY,
    summary="Remove an export",
    answers={200: '`{"status": "deleted"}`', 404: "No such export"},
)
async def delete_export(call: Plain) -> web.StreamResponse:
    """Only the file goes."""
    path = await asyncio.to_thread(call.store.library_exchange.exports.path, call.text("name"))
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return json_answer({"status": "deleted"})


@routes.add(
    "POST",
    "/library/import",
    access=Access.KEY,
    body=Taking,
    summary="Take an export on this machine's disk in: models are matched by hash, what is empty "
    "is filled, nothing comes twice. The report: {dry_run, created, tags, models: {new, changed, "
    "known, matched, unhashed}, lookups, uses, samples, pictures, collections, entries, problems}",
    answers={200: _JOB, 400: "No such file", 409: "Another import goes on"},
)
async def import_library(call: Call[Nothing, Taking]) -> web.StreamResponse:
    """Without `dry_run: false` nothing changes."""
    body = call.body
    job = await asyncio.to_thread(call.store.library_exchange.take, body.path, dry_run=body.dry_run)
    return json_answer({"job": job})


@routes.add(
    "POST",
    "/library/import/upload",
    access=Access.KEY,
    query=Receiving,
    raw=True,
    summary="The same of an export that is sent: multipart, the zip as the part `file`",
    answers={
        200: _JOB,
        400: "No part `file`",
        409: "Another import goes on",
        415: "Not multipart/form-data",
        507: "The disk is full",
    },
)
async def import_upload(call: Call[Receiving, Nothing]) -> web.StreamResponse:
    """Without `?dry_run=false` nothing changes; the sent file goes when the job is over."""
    request, exchange = call.request, call.store.library_exchange
    if request.body_exists and request.content_type != "multipart/form-data":
        raise WrongType("The body must be multipart/form-data.")
    with exchange.receiving() as (file, path):
        if not request.body_exists or not await _receive(request, file):
            raise BadInput("A part file is needed.", field="file")
    job = await asyncio.to_thread(exchange.take_received, path, dry_run=call.query.dry_run)
    return json_answer({"job": job})


@routes.add(
    "POST",
    "/library/backups",
    access=Access.KEY,
    summary="Make a backup of the database and the catalogs now, and check it. The report: {name, "
    "size_bytes, records, removed}",
    answers={200: _JOB},
)
async def make_backup(call: Plain) -> web.StreamResponse:
    """By itself one is made as often as the settings say."""
    return json_answer({"job": await asyncio.to_thread(call.store.library_exchange.back_up)})


@routes.get(
    "/library/backups",
    access=Access.KEY,
    query=Page,
    summary="Backups, newest first: {backups: [{name, size_bytes, created}], total}",
)
async def list_backups(call: Call[Page, Nothing]) -> web.StreamResponse:
    """As many as the setting `backups_kept` says."""
    found = await asyncio.to_thread(call.store.library_exchange.backups.listed)
    page = found[call.query.offset : call.query.offset + call.query.limit]
    return json_answer({"backups": page, "total": len(found)})


@routes.get(
    "/library/backups/{name}",
    access=Access.KEY,
    summary="A backup as a file",
    answers={200: "The zip", 206: "A range of it", 304: "Unchanged", 404: "No such backup"},
)
async def send_backup(call: Plain) -> web.StreamResponse:
    """To keep elsewhere; `curator backup --restore` puts one back."""
    path = await asyncio.to_thread(call.store.library_exchange.backups.path, call.text("name"))
    return _zip(call.request, path)


def _zip(request: web.Request, path: Path) -> web.StreamResponse:
    return file_answer(
        request, path, content_type="application/zip", etag=path.stem, name=path.name
    )


async def _receive(request: web.Request, file: IO[bytes]) -> bool:
    """Whether there was a part `file`; its bytes are in the file."""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "file":
                while chunk := await part.read_chunk(1 << 20):
                    await asyncio.to_thread(file.write, chunk)
                return True
    except (ValueError, RuntimeError, HttpProcessingError) as error:
        raise BadInput("The body is no whole multipart/form-data.", field="file") from error
    return False
