"""How a route is declared: who may call it, what it takes, what it answers."""

from __future__ import annotations

import enum
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from ..store.errors import BadInput, TooLarge, WrongType
from ..store.json_values import exact, is_object

if TYPE_CHECKING:
    from ..store.store import Store

_JSON_LIMIT = 1 << 20
_QUERIES_REMEMBERED = 128
_LONGEST_REMEMBERED = 500
_PARAMETER = re.compile(r"\{(\w+)(?::(int|path))?\}")


class Access(enum.Enum):
    """Who may call a route. What is foreign is refused before this is asked."""

    OPEN = "everyone"
    PAGE = "everyone, and a link from elsewhere may open it"
    KEY = "this machine, or who shows the key"


class Nothing(BaseModel):
    """Takes no query and no body; what is sent all the same is ignored."""

    model_config = ConfigDict(frozen=True)


class Input(BaseModel):
    """Base of every query and body: unknown keys are ignored, blanks at the ends too."""

    # Built when first asked: there are many, and the first request waits for all to be imported.
    # Never altered: a query that was parsed before is handed out again.
    model_config = ConfigDict(
        extra="ignore", str_strip_whitespace=True, defer_build=True, frozen=True
    )


Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class Call(Generic[Q, B]):
    """One request, parsed: what a handler works with."""

    request: web.Request
    store: Store
    query: Q
    body: B

    def text(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def number(self, name: str) -> int:
        """A part of the path that is declared as `{name:int}`."""
        return int(self.request.match_info[name])


Handler = Callable[[Call[Q, B]], Awaitable[web.StreamResponse]]
Plain = Call[Nothing, Nothing]


@dataclass(frozen=True)
class Route:
    """One row of the API."""

    method: str
    path: str
    access: Access
    handler: Handler[Any, Any]
    summary: str
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    answers: Mapping[int, str] = field(default_factory=dict[int, str])
    raw: bool = False
    """The handler reads the body itself (multipart, parts of files)."""

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return _PARAMETER.sub(r"{\1}", self.path)

    @property
    def pattern(self) -> str:
        """The path as aiohttp matches it."""
        return _PARAMETER.sub(
            lambda match: f"{{{match[1]}:.*}}" if match[2] == "path" else f"{{{match[1]}}}",
            self.path,
        )

    @cached_property
    def parameters(self) -> list[tuple[str, type]]:
        """Names and types of the path's parts."""
        found = _PARAMETER.findall(self.path)
        return [(name, int if kind == "int" else str) for name, kind in found]

    async def call(self, request: web.Request, store: Store) -> web.StreamResponse:
        """Parse the request and hand it on. Raises BadInput naming the field."""
        for name, kind in self.parameters:
            if kind is int:
                _check_number(name, request.match_info[name])
        query = self._query_of(request)
        body: BaseModel = _NOTHING
        if not self.raw and (self.body is not Nothing or request.body_exists):
            body = _parse(self.body, await _json_body(request))
        return await self.handler(Call(request, store, query, body))

    def _query_of(self, request: web.Request) -> BaseModel:
        """The query, parsed; a page asks the same again and again."""
        if self.query is Nothing:
            return _NOTHING
        key = (self.query, request.rel_url.raw_query_string)
        known = _queries.get(key)
        if known is None:
            known = _parse(self.query, dict(request.query))
            if len(key[1]) <= _LONGEST_REMEMBERED:
                _queries[key] = known
                while len(_queries) > _QUERIES_REMEMBERED:
                    _queries.popitem(last=False)
        return known


_NOTHING = Nothing()
_queries: OrderedDict[tuple[type[BaseModel], str], BaseModel] = OrderedDict()
"""Queries as they were parsed lately, by what was asked; used from the event loop only."""


class Routes(list[Route]):
    """The routes of one module, in the order of its text."""

    def get(
        self,
        path: str,
        *,
        access: Access,
        summary: str,
        query: type[Q] = Nothing,
        answers: Mapping[int, str] | None = None,
    ) -> Callable[[Handler[Q, Nothing]], Handler[Q, Nothing]]:
        """Declare a GET (and HEAD) route."""
        return self.add(
            "GET", path, access=access, summary=summary, query=query, body=Nothing, answers=answers
        )

    def add(
        self,
        method: str,
        path: str,
        *,
        access: Access,
        summary: str,
        query: type[Q] = Nothing,
        body: type[B] = Nothing,
        answers: Mapping[int, str] | None = None,
        raw: bool = False,
    ) -> Callable[[Handler[Q, B]], Handler[Q, B]]:
        """Declare a route of any method."""

        def declare(handler: Handler[Q, B]) -> Handler[Q, B]:
            self.append(
                Route(
                    method,
                    path,
                    access,
                    handler,
                    summary,
                    query,
                    body,
                    answers or {200: "Done"},
                    raw,
                )
            )
            return handler

        return declare


async def _json_body(request: web.Request) -> Any:
    """The parsed body, `{}` when there is none. Raises WrongType, TooLarge or BadInput."""
    if not request.body_exists:
        return {}
    data = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > _JSON_LIMIT:
            raise TooLarge("The body is larger than 1 MiB.")
    if not data:
        return {}
    if request.content_type != "application/json":
        raise WrongType("The body must be application/json.")
    try:
        return exact(data)
    except ValueError as error:
        raise BadInput(f"The body is not JSON: {error}.") from error


def _parse(model: type[BaseModel], data: Any) -> BaseModel:
    if not isinstance(data, dict):
        raise BadInput("The body must be a JSON object.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = _field_at(first["loc"], data)
        text = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{name}: {text}." if name else f"{text}.", field=name) from error


def _field_at(place: tuple[int | str, ...], data: Any) -> str | None:
    """Where in the body something is wrong, as `presets.0.min`; None: in no field of its own."""
    parts: list[str] = []
    for part in place:
        # What is none of these is a kind that was tried, where a field may be of several.
        if isinstance(part, str) and is_object(data):
            data = data.get(part)
        elif isinstance(part, int) and isinstance(data, list):
            data = cast("list[Any]", data)[part]
        else:
            continue
        parts.append(str(part))
    return ".".join(parts) or None


def _check_number(name: str, text: str) -> None:
    # Beyond 2^63 no database or client keeps the number as it is.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < 1 << 63):
        raise BadInput(f"{name} must be a whole number.", field=name)
