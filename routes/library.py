"""The library's list over HTTP, and what the index behind it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.errors import BadInput
from .answers import has_tag, json_answer, json_list
from .routing import Access, Call, Input, Nothing, Plain, Routes

if TYPE_CHECKING:
    from ..store.library_lists import Asked

routes = Routes()


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_Switch = Annotated[bool | None, BeforeValidator(_none_if_empty)]
_Limit = Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, BeforeValidator(_none_if_empty)]


class ModelsQuery(Input):
    """Which models: of a type, with words, with all of some tags and none of others."""

    type: str | None = Field(default=None, max_length=200)
    q: str = Field(default="", max_length=500)
    tags: str = Field(default="", max_length=2000)
    """Names or ids, with commas between them; may be repeated."""
    exclude_tags: str = Field(default="", max_length=2000)
    base_model: str = Field(default="", max_length=1000)
    """One or several with commas between them: one of them."""
    favorite: _Switch = None
    status: Literal["", "present", "missing"] = ""
    duplicates: _Switch = None
    collection: str = Field(default="", max_length=100)
    """Only models of this collection."""
    limit: _Limit = None
    offset: int = Field(default=0, ge=0, lt=1 << 53)
    sort: Literal["name", "created_at", "size_bytes", "rating"] = "name"
    order: Literal["asc", "desc"] = "asc"


class Duplicates(Input):
    """A page of a list."""

    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, lt=1 << 53)


class Look(Input):
    """Whether to wait until every file is hashed."""

    hash: bool = False


@routes.get("/models/get_types", access=Access.KEY, summary="The types of models: {types}")
async def list_types(call: Plain) -> web.StreamResponse:
    """The types by name."""
    return json_answer({"types": await asyncio.to_thread(call.store.library.types)})


@routes.get(
    "/library/models",
    access=Access.KEY,
    query=ModelsQuery,
    summary="As GET /models?type=, of every type where none is given",
    answers={
        200: "{models, total, complete}",
        304: "Unchanged",
        400: "A filter that cannot be read",
    },
)
async def list_all(call: Call[ModelsQuery, Nothing]) -> web.StreamResponse:
    """A page of the library."""
    return await list_library(call)


async def list_library(call: Call[ModelsQuery, Nothing]) -> web.StreamResponse:
    """`{models, total, complete}` with an ETag. Raises BadInput for an empty type.

    `complete` is false while the first look through the folders goes on: more may come.
    """
    if call.query.type == "":
        raise BadInput("type parameter is required", field="type")
    library, question = call.store.library, call.request.rel_url.raw_query_string
    lists = library.lists
    # Many pages ask the same at once. What is in a collection changes without us.
    recalled = None if call.query.collection else lists.recall(question)
    if recalled is not None:
        return json_list(call.request, recalled.body, recalled.etag)
    asked = _asked(call)
    if not library.is_complete:
        await asyncio.to_thread(library.wait)
    etag = lists.etag(asked)
    if has_tag(call.request, etag):
        return json_list(call.request, b"", etag)
    answer = lists.known(asked)
    if answer is None:
        if lists.is_quick(asked):
            answer = lists.answer(asked)
        else:
            answer = await asyncio.to_thread(lists.answer, asked)
    if not call.query.collection:
        lists.remember(question, answer)
    return json_list(call.request, answer.body, answer.etag)


@routes.get(
    "/library/facets",
    access=Access.KEY,
    query=ModelsQuery,
    summary="What there is to filter by: base models, tags and types with their numbers",
    answers={200: "{total, base_models, tags, types, favorites, missing, duplicates}"},
)
async def show_facets(call: Call[ModelsQuery, Nothing]) -> web.StreamResponse:
    """Of the rows that the filters leave."""
    library = call.store.library
    await asyncio.to_thread(library.wait)
    return json_answer(await asyncio.to_thread(library.lists.facets, _asked(call)))


@routes.get(
    "/library/status",
    access=Access.KEY,
    summary="How far the index is: {complete, models, places, hashing}",
)
async def show_status(call: Plain) -> web.StreamResponse:
    """The state of the index; hashing: {state, files_left, bytes_left, failed, rate, eta_s}."""
    return json_answer(await asyncio.to_thread(call.store.library.status))


@routes.add("POST", "/library/hashing/pause", access=Access.KEY, summary="Hash nothing for now")
async def pause_hashing(call: Plain) -> web.StreamResponse:
    """How hashing stands; it goes on after `resume` or a restart."""
    return json_answer(await asyncio.to_thread(call.store.library.hashing.pause))


@routes.add("POST", "/library/hashing/resume", access=Access.KEY, summary="Go on hashing")
async def resume_hashing(call: Plain) -> web.StreamResponse:
    """How hashing stands."""
    return json_answer(await asyncio.to_thread(call.store.library.hashing.resume))


@routes.add(
    "POST",
    "/library/scan",
    access=Access.KEY,
    body=Look,
    summary="Look through all models folders now, as a job; its report: GET /library/reports/{id}",
    answers={200: "{job}", 409: "Another scan is going on"},
)
async def scan_folders(call: Call[Nothing, Look]) -> web.StreamResponse:
    """The job, begun."""
    job = await asyncio.to_thread(call.store.library.start_scan, hashing=call.body.hash)
    return json_answer({"job": job})


@routes.get(
    "/library/duplicates",
    access=Access.KEY,
    query=Duplicates,
    summary="Contents that lie in several files, those that waste most first",
    answers={200: "{groups: [{model, wasted_bytes}], total, wasted_bytes}"},
)
async def list_duplicates(call: Call[Duplicates, Nothing]) -> web.StreamResponse:
    """Links to one file waste nothing."""
    library = call.store.library
    await asyncio.to_thread(library.wait)
    query = call.query
    found = await asyncio.to_thread(library.duplicates, limit=query.limit, offset=query.offset)
    return json_answer(found)


@routes.get(
    "/library/places/{place_id}",
    access=Access.KEY,
    summary="One file: where it lies, its hashes, what its header says, whole",
    answers={200: "The place, with `metadata` and `tensors`", 404: "Unknown"},
)
async def show_place(call: Plain) -> web.StreamResponse:
    """The facts of a place; of a content that lies in several files ask for each."""
    return json_answer(await asyncio.to_thread(call.store.library.place, call.text("place_id")))


def _asked(call: Call[ModelsQuery, Nothing]) -> Asked:
    from ..store.library_lists import Asked  # not needed before the first call

    query, named = call.query, call.store.model_tags.named
    among: frozenset[str] | None = None
    if query.collection:
        among = frozenset(call.store.collections.members(query.collection, "model"))
    return Asked(
        kind=query.type,
        q=query.q,
        tags=_listed(call, "tags", named),
        exclude_tags=_listed(call, "exclude_tags", named),
        base_models=_listed(call, "base_model", None),
        favorite=query.favorite,
        status=query.status,
        duplicates=bool(query.duplicates),
        limit=query.limit,
        offset=query.offset,
        sort=query.sort,
        descending=query.order == "desc",
        among=among,
    )


def _listed(
    call: Call[ModelsQuery, Nothing], name: str, known: Callable[[str], object] | None
) -> tuple[str, ...]:
    """The values of a filter: repeated, or with commas; a name that holds a comma is itself."""
    found: list[str] = []
    for text in call.request.query.getall(name, ()):
        parts = [text] if known and known(text.strip()) else text.split(",")
        found += [part.strip() for part in parts if part.strip()]
    return tuple(dict.fromkeys(found))
