"""One model of the library, and the tags, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, cast

from aiohttp import web
from pydantic import BeforeValidator, Field

from ..store.json_values import exact
from ..store.number_fields import NUMBER
from ..store.trigger_words import Presets, TriggerWords
from .answers import encode, json_answer, json_list
from .routing import Access, Call, Input, Nothing, Plain, Routes

routes = Routes()


def _empty_text(value: object) -> object:
    return "" if value is None else value


def _zero(value: object) -> object:
    return 0 if value is None else value


def _no(value: object) -> object:
    return False if value is None else value


def _empty_list(value: object) -> object:
    empty: list[Any] = []
    return empty if value is None else value


def _object(value: object) -> object:
    """JSON text stands for what it says."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return exact(value)
    except ValueError as error:
        raise ValueError("meta_json is no JSON") from error


def _tag_list(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("tags must be a list of IDs or tag objects")
    return cast("object", value)


class ModelEdit(Input):
    """What is to be changed; what is not sent stays. `null` empties."""

    name: Annotated[str, Field(max_length=1_000), BeforeValidator(_empty_text)] = ""
    type: Annotated[str, Field(max_length=200), BeforeValidator(_empty_text)] = ""
    base_model: Annotated[str, Field(max_length=200), BeforeValidator(_empty_text)] = ""
    tags: Annotated[list[Any], BeforeValidator(_tag_list)] = []
    """Numbers of tags, or objects with `id`; the whole set."""
    meta_json: Annotated[dict[str, Any] | None, BeforeValidator(_object)] = None
    """As object or as JSON text. description, community_links, images_count and prompts are
    replaced as a set; other keys stay unless sent, null removes one."""
    notes: Annotated[str, Field(max_length=100_000), BeforeValidator(_empty_text)] = ""
    rating: Annotated[int, Field(ge=0, le=5), NUMBER, BeforeValidator(_zero)] = 0
    favorite: Annotated[bool, BeforeValidator(_no)] = False
    trigger_words: Annotated[TriggerWords, BeforeValidator(_empty_list)] = []
    presets: Annotated[Presets, BeforeValidator(_empty_list)] = []

    def changes(self) -> Mapping[str, Any]:
        """Only what was sent."""
        return self.model_dump(include=self.model_fields_set)


class NewTags(Input):
    """Names; there is a tag for each of them afterwards."""

    newtags: Annotated[list[Any], BeforeValidator(lambda value: _names(value))]


class TagEdit(Input):
    """A tag's name and colour; `color` is empty or `#rrggbb`."""

    name: str | None = Field(default=None, max_length=200)
    color: str | None = Field(default=None, pattern=r"^(#[0-9a-fA-F]{6})?$")


class TagMerge(Input):
    """The tag that stays."""

    into: Annotated[int, Field(ge=1), NUMBER]


def _names(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("newtags must be a list")
    return cast("object", value)


@routes.get(
    "/models/{sha256}",
    access=Access.KEY,
    summary="All that is known of a model; by its hash or by a place's id",
    answers={200: "The record, with an ETag for If-Match", 404: "Model not found"},
)
async def show_model(call: Plain) -> web.StreamResponse:
    """The full record."""
    shown, etag = await asyncio.to_thread(call.store.models.show, call.text("sha256"))
    return _tagged(shown, etag)


@routes.add(
    "PATCH",
    "/models/{sha256}",
    access=Access.KEY,
    body=ModelEdit,
    summary="Change what is said of a model, all of it or nothing; path, sha256, size are ignored",
    answers={
        200: "The record as it is now",
        400: "A field of another kind, or a tag that there is not",
        404: "Model not found",
        412: "Another was faster: If-Match is of an older state",
        507: "The disk is full",
    },
)
async def edit_model(call: Call[Nothing, ModelEdit]) -> web.StreamResponse:
    """The full record afterwards."""
    shown, etag = await asyncio.to_thread(
        call.store.models.edit,
        call.text("sha256"),
        call.body.changes(),
        tags=wanted_tags(call.request),
    )
    return _tagged(shown, etag)


@routes.add(
    "DELETE",
    "/library/records/{key}",
    access=Access.KEY,
    summary="Forget what is said of a model whose files are gone, with its sample pictures",
    answers={
        200: "{status: forgotten}",
        404: "Model not found",
        409: "Its file is there",
        507: "The disk is full",
    },
)
async def forget_model(call: Plain) -> web.StreamResponse:
    """Changes no file of a model."""
    await asyncio.to_thread(call.store.models.forget, call.text("key"))
    return json_answer({"status": "forgotten"})


@routes.get("/tags", access=Access.KEY, summary="All tags by name: {tags: [{id, name}]}")
async def list_tags(call: Plain) -> web.StreamResponse:
    """`color` is there where a tag has one."""
    tags = await asyncio.to_thread(call.store.model_tags.listed)
    return json_list(call.request, encode({"tags": tags, "total": len(tags)}))


@routes.add(
    "POST",
    "/tags_add",
    access=Access.KEY,
    body=NewTags,
    summary="A tag for each name, new where there is none",
    answers={
        200: "{tags}, one for each name, in their order",
        400: "newtags is no list, or a name is too long",
        507: "The disk is full",
    },
)
async def add_tags(call: Call[Nothing, NewTags]) -> web.StreamResponse:
    """What is no text, or an empty one, is passed over."""
    names = [name for name in call.body.newtags if isinstance(name, str) and name.strip()]
    return json_answer({"tags": await asyncio.to_thread(call.store.model_tags.add, names)})


@routes.get(
    "/library/tags",
    access=Access.KEY,
    summary="All tags by name with colour and number of models",
)
async def count_tags(call: Plain) -> web.StreamResponse:
    """`{tags: [{id, name, color, models}], total}`."""
    tags = await asyncio.to_thread(call.store.tagging.listed)
    return json_answer({"tags": tags, "total": len(tags)})


@routes.add(
    "PATCH",
    "/library/tags/{id:int}",
    access=Access.KEY,
    body=TagEdit,
    summary="Rename or colour a tag",
    answers={
        200: "The tag",
        400: "An empty name, or a colour that is none",
        404: "No such tag",
        409: "Another tag has the name: `existing`; merge them",
    },
)
async def change_tag(call: Call[Nothing, TagEdit]) -> web.StreamResponse:
    """What carries it shows its new name."""
    tag = await asyncio.to_thread(
        call.store.model_tags.change,
        call.number("id"),
        name=call.body.name,
        color=call.body.color,
    )
    return json_answer(tag)


@routes.add(
    "POST",
    "/library/tags/{id:int}/merge",
    access=Access.KEY,
    body=TagMerge,
    summary="Make two tags one: what carries this one carries the other then",
    answers={
        200: "{status: merged, tag, models}",
        400: "A tag cannot be merged with itself",
        404: "No such tag",
    },
)
async def merge_tag(call: Call[Nothing, TagMerge]) -> web.StreamResponse:
    """The tag that stayed, and how many models were changed."""
    number, into = call.number("id"), call.body.into
    return json_answer(await asyncio.to_thread(call.store.tagging.merge, number, into))


@routes.add(
    "DELETE",
    "/library/tags/{id:int}",
    access=Access.KEY,
    summary="Delete a tag and take it off everything",
    answers={200: "{status: deleted, models}", 404: "There never was such a tag"},
)
async def delete_tag(call: Plain) -> web.StreamResponse:
    """How many models carried it."""
    return json_answer(await asyncio.to_thread(call.store.tagging.delete, call.number("id")))


def wanted_tags(request: web.Request) -> set[str] | None:
    """The ETags of `If-Match`; None without it. One that cannot be read matches nothing."""
    if "If-Match" not in request.headers:
        return None
    return {each.value for each in request.if_match or () if not each.is_weak}


def _tagged(shown: dict[str, Any], etag: str) -> web.StreamResponse:
    answer = json_answer(shown)
    answer.headers["ETag"] = f'"{etag}"'
    return answer
