"""Importing and exporting catalogs over HTTP."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiohttp import web

from .answers import json_answer, json_list
from .multipart import read_part
from .routing import Access, Call, Input, Nothing, Routes

routes = Routes()

_LARGEST = 64 << 20


class Target(Input):
    """Into which catalog, and whether only to say what would happen."""

    catalog: Literal["models", "loras"] = "models"
    dry_run: bool = False


class Source(Input):
    """Which catalog."""

    catalog: Literal["models", "loras", "both"] = "models"


@routes.add(
    "POST",
    "/models/import",
    access=Access.KEY,
    query=Target,
    raw=True,
    summary="Add the entries of a catalog: multipart, its JSON as the part `file`",
    answers={
        200: "`{added, skipped, total_added, entries}`; with `dry_run` what it would be",
        400: "No part `file`, or invalid JSON: line and column are told",
        409: "The catalog cannot be read: line and column are told",
        413: "More than 64 MiB",
        415: "Not multipart/form-data",
        507: "The disk is full",
    },
)
async def import_catalog(call: Call[Target, Nothing]) -> web.StreamResponse:
    """Skips what is here already and what has no usable name; keeps categories and own fields."""
    raw = await read_part(call.request, "file", limit=_LARGEST)
    told = await asyncio.to_thread(
        call.store.exchange.import_json,
        raw,
        catalog=call.query.catalog,
        dry_run=call.query.dry_run,
    )
    return json_answer(told)


@routes.get(
    "/models/export", access=Access.KEY, query=Source, summary="A catalog as a file to keep"
)
async def export_catalog(call: Call[Source, Nothing]) -> web.StreamResponse:
    """As the file is written; `both` is one object with `models` and `loras`."""
    body = await asyncio.to_thread(call.store.exchange.export, call.query.catalog)
    answer = json_list(call.request, body)
    name = "catalogs" if call.query.catalog == "both" else call.query.catalog
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer
