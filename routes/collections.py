"""Collections of models and pictures over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.errors import BadInput
from .answers import json_answer
from .routing import Access, Call, Input, Nothing, Plain, Routes

if TYPE_CHECKING:
    from ..store.library_collections import Item

routes = Routes()

_ROOT = "/library/collections"
_Text = Annotated[str, Field(max_length=200)]
_Color = Annotated[str, Field(max_length=40, pattern=r"^(#[0-9a-fA-F]{6})?$")]
_Kind = Literal["model", "picture"]


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class Listing(Input):
    """Which collections, in which order."""

    q: _Text = ""
    sort: Literal["name", "created", "changed", "items"] = "name"
    order: Literal["asc", "desc"] = "asc"
    limit: int = Field(default=1000, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class Naming(Input):
    """A new collection."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=10_000)
    color: _Color = ""


class Changes(Input):
    """What is to be other than it is."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    color: _Color | None = None


class Page(Input):
    """Which items."""

    kind: Annotated[_Kind | None, BeforeValidator(_none_if_empty)] = None
    order: Literal["asc", "desc"] = "asc"
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class ItemInput(Input):
    """A model by its hash or place id, or a picture by its id."""

    kind: _Kind
    id: str = Field(min_length=1, max_length=200)

    def item(self) -> Item:
        """The same in the store's words."""
        from ..store.library_collections import Item

        return Item(self.kind, self.id)


class Items(Input):
    """Some items."""

    items: list[ItemInput] = Field(min_length=1, max_length=10_000)


class Placing(Items):
    """Some items, and the one before which they come; none: they come last."""

    before: ItemInput | None = None


@routes.get(
    _ROOT,
    access=Access.KEY,
    query=Listing,
    summary="Collections: {collections: [{id, name, description, color, models, pictures, cover, "
    "created, changed}], total}; cover is the first picture's id or null, times are ms",
    answers={200: "Those asked for", 400: "A sort that there is none of"},
)
async def list_collections(call: Call[Listing, Nothing]) -> web.StreamResponse:
    """All of them, by name unless asked otherwise."""
    query = call.query
    found = await asyncio.to_thread(
        call.store.collections.listed,
        text=query.q,
        sort=query.sort,
        descending=query.order == "desc",
    )
    page = found[query.offset : query.offset + query.limit]
    return json_answer({"collections": page, "total": len(found)})


@routes.add(
    "POST",
    _ROOT,
    access=Access.KEY,
    body=Naming,
    summary="Make a collection; one that has this name (in any case) is answered as it is",
    answers={200: "The collection", 400: "No name, or a colour that is no #rrggbb"},
)
async def make_collection(call: Call[Nothing, Naming]) -> web.StreamResponse:
    """The collection of this name."""
    body = call.body
    made = await asyncio.to_thread(
        call.store.collections.make, body.name, description=body.description, color=body.color
    )
    return json_answer(made)


@routes.get(
    _ROOT + "/of/{kind}/{item_id}",
    access=Access.KEY,
    summary="The collections that a model or picture is in: {collections, total}",
    answers={200: "By name", 400: "kind is neither model nor picture"},
)
async def list_collections_of(call: Plain) -> web.StreamResponse:
    """Empty for what is in none."""
    kind = call.text("kind")
    if kind not in ("model", "picture"):
        raise BadInput("kind is model or picture.", field="kind")
    found = await asyncio.to_thread(call.store.collections.of, kind, call.text("item_id"))
    return json_answer({"collections": found, "total": len(found)})


@routes.get(
    _ROOT + "/{id}",
    access=Access.KEY,
    summary="One collection",
    answers={200: "As in the list", 404: "No such collection"},
)
async def show_collection(call: Plain) -> web.StreamResponse:
    """The collection."""
    return json_answer(await asyncio.to_thread(call.store.collections.get, call.text("id")))


@routes.add(
    "PATCH",
    _ROOT + "/{id}",
    access=Access.KEY,
    body=Changes,
    summary="Name, describe or colour a collection",
    answers={
        200: "The collection",
        400: "No name, or a colour that is no #rrggbb",
        404: "No such collection",
        409: "Another one has this name",
    },
)
async def change_collection(call: Call[Nothing, Changes]) -> web.StreamResponse:
    """The collection as it is then; what is not sent stays."""
    changes = call.body.model_dump(exclude_none=True)
    changed = await asyncio.to_thread(call.store.collections.change, call.text("id"), changes)
    return json_answer(changed)


@routes.add(
    "DELETE",
    _ROOT + "/{id}",
    access=Access.KEY,
    summary="Remove a collection; what is in it stays where it is",
    answers={200: '`{"status": "deleted"}`', 404: "No such collection"},
)
async def delete_collection(call: Plain) -> web.StreamResponse:
    """Only the collection goes."""
    await asyncio.to_thread(call.store.collections.delete, call.text("id"))
    return json_answer({"status": "deleted"})


@routes.get(
    _ROOT + "/{id}/items",
    access=Access.KEY,
    query=Page,
    summary="What is in a collection, in its order: {items: [{kind, id, model or picture}], total};"
    " model is the row of the library, picture the item of the gallery, null for what is gone",
    answers={200: "A page", 400: "A kind that there is none of", 404: "No such collection"},
)
async def list_items(call: Call[Page, Nothing]) -> web.StreamResponse:
    """A page, each item with what its card shows."""
    query = call.query
    items, total = await asyncio.to_thread(
        call.store.organising.items,
        call.text("id"),
        kind=query.kind,
        limit=query.limit,
        offset=query.offset,
        descending=query.order == "desc",
    )
    return json_answer({"items": items, "total": total})


@routes.add(
    "POST",
    _ROOT + "/{id}/items",
    access=Access.KEY,
    body=Placing,
    summary="Put models and pictures in: {added, already, unknown: [{kind, id}], total}",
    answers={200: "What was new", 400: "before is not in it", 404: "No such collection"},
)
async def add_items(call: Call[Nothing, Placing]) -> web.StreamResponse:
    """What is in already stays where it is."""
    body = call.body
    told = await asyncio.to_thread(
        call.store.collections.add_many,
        call.text("id"),
        [each.item() for each in body.items],
        before=body.before.item() if body.before else None,
    )
    return json_answer(told)


@routes.add(
    "DELETE",
    _ROOT + "/{id}/items",
    access=Access.KEY,
    body=Items,
    summary="Take models and pictures out: {removed}",
    answers={200: "How many were in", 404: "No such collection"},
)
async def remove_items(call: Call[Nothing, Items]) -> web.StreamResponse:
    """Only from the collection."""
    removed = await asyncio.to_thread(
        call.store.collections.remove,
        call.text("id"),
        [each.item() for each in call.body.items],
    )
    return json_answer({"removed": removed})


@routes.add(
    "POST",
    _ROOT + "/{id}/order",
    access=Access.KEY,
    body=Placing,
    summary="Move items, in the order given, before another one or to the end",
    answers={
        200: "The collection",
        400: "One of them, or before, is not in it",
        404: "No such collection",
    },
)
async def order_items(call: Call[Nothing, Placing]) -> web.StreamResponse:
    """The same call twice leaves the same order."""
    collections, body = call.store.collections, call.body
    await asyncio.to_thread(
        collections.move,
        call.text("id"),
        [each.item() for each in body.items],
        body.before.item() if body.before else None,
    )
    return json_answer(await asyncio.to_thread(collections.get, call.text("id")))
