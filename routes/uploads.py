"""Uploads over HTTP, as Scenario's clients know them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from ..store.errors import BadInput
from ..store.upload_asked import Sender, utc
from .answers import json_answer
from .door import COOKIE, callers_name, shows_a_key
from .routing import Access, Call, Nothing, Plain, Routes
from .threads import patiently
from .upload_bodies import Action, CreateUpload, DryRun, Project, Signed, UploadList
from .upload_receiving import receive

if TYPE_CHECKING:
    from ..store.store import Store
    from ..store.upload_signing import Signer

routes = Routes()

_LONGEST_KEY = 255


@routes.add(
    "POST",
    "/uploads",
    access=Access.KEY,
    query=DryRun,
    body=CreateUpload,
    summary="Begin an upload: in parts, or from a url, CivitAI or Hugging Face",
    answers={
        200: "`{upload}`, with the signed addresses of its parts",
        269: "A dry run: what it would cost, which is nothing",
        400: "Not one upload of one mode; `field` says where",
        404: "There is nothing at the address",
        413: "Larger than the settings allow",
        422: "What is there cannot be uploaded; `choices` where there are several",
        429: "Too many uploads are open",
        502: "Upstream failed",
        503: "Upstream is busy",
        507: "Not enough room; `needed_bytes`, `free_bytes`",
    },
)
async def create_upload(call: Call[DryRun, CreateUpload]) -> web.StreamResponse:
    """A repeat of a create is the upload that it has made."""
    uploads, asked = call.store.uploads, call.body.asked()
    if call.query.dryRun in ("true", "api"):
        await asyncio.to_thread(uploads.check, asked)
        return json_answer({"creativeUnitsCost": 0, "dryRun": True}, status=269)
    sender = _sender(call.request)
    upload = await patiently(uploads.create, asked, sender, call.body.digest())
    return await _answer(call.request, call.store, upload)


@routes.get(
    "/uploads",
    access=Access.KEY,
    query=UploadList,
    summary="Uploads, the newest first",
    answers={200: "`{uploads, total}`, without the addresses of their parts"},
)
async def list_uploads(call: Call[UploadList, Nothing]) -> web.StreamResponse:
    """Of one status only, if `status` is given."""
    listed = await asyncio.to_thread(
        call.store.uploads.listed,
        status=call.query.status or "",
        limit=call.query.limit,
        offset=call.query.offset,
    )
    return json_answer(listed)


@routes.get(
    "/uploads/{uploadId}",
    access=Access.KEY,
    query=Project,
    summary="An upload, its parts' addresses renewed",
    answers={200: "`{upload}`", 404: "No such upload"},
)
async def show_upload(call: Call[Project, Nothing]) -> web.StreamResponse:
    """While it is pending each part tells its address and whether it is there."""
    upload = await asyncio.to_thread(call.store.uploads.get, call.text("uploadId"))
    return await _answer(call.request, call.store, upload)


@routes.add(
    "POST",
    "/uploads/{uploadId}/action",
    access=Access.KEY,
    query=Project,
    body=Action,
    summary="All parts are sent: check the file and put it in its place",
    answers={
        200: "`{upload}`; again: its present state",
        400: "Another action",
        404: "No such upload",
        409: "Parts are `missing`",
        422: "The parts have not `fileSize` bytes together",
        507: "Not enough room to join the parts",
    },
)
async def act_on_upload(call: Call[Project, Action]) -> web.StreamResponse:
    """The work goes on in the background; the upload's status tells how far it is."""
    upload = await asyncio.to_thread(call.store.uploads.complete, call.text("uploadId"))
    return await _answer(call.request, call.store, upload)


@routes.add(
    "DELETE",
    "/uploads/{uploadId}",
    access=Access.KEY,
    summary="End an open upload, its bytes go; of one that has ended forget the record",
    answers={
        200: '`{status:"aborted", upload}` or `{status:"deleted", id}`',
        404: "No such upload",
    },
)
async def delete_upload(call: Plain) -> web.StreamResponse:
    """What an upload has brought into its place stays there."""
    upload_id = call.text("uploadId")
    upload = await asyncio.to_thread(call.store.uploads.delete, upload_id)
    if upload is None:
        return json_answer({"status": "deleted", "id": upload_id})
    return json_answer({"status": "aborted", "upload": upload})


@routes.add(
    "PUT",
    "/uploads/{uploadId}/parts/{n:int}",
    access=Access.OPEN,
    query=Signed,
    raw=True,
    summary="Send a part to its signed address; any content type, no other credentials",
    answers={
        200: "It is there; its ETag",
        400: "It ended too early",
        401: "The signature is wrong or has expired",
        404: "No such upload, or no such part",
        409: "The upload takes no parts any more",
        413: "More bytes than fileSize says",
        415: "It has a Content-Encoding",
        507: "The disk is full",
    },
)
async def put_part(call: Call[Signed, Nothing]) -> web.StreamResponse:
    """Again, out of order, several at once: the last one that came to its end counts."""
    tag = await receive(
        call.request,
        call.store.uploads,
        call.text("uploadId"),
        call.number("n"),
        call.query.expires,
        call.query.signature,
    )
    return web.Response(headers={"ETag": f'"{tag}"', "Cache-Control": "no-store"})


def _sender(request: web.Request) -> Sender:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY:
        raise BadInput(f"An Idempotency-Key has at most {_LONGEST_KEY} characters.")
    attempt = request.headers.get("x-stainless-retry-count", "")
    return Sender(
        owner="key" if shows_a_key(request) or COOKIE in request.cookies else "local",
        caller=callers_name(request),
        idempotency_key=key,
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else 0,
    )


async def _answer(request: web.Request, store: Store, upload: dict[str, Any]) -> web.StreamResponse:
    """The upload, each of its parts with an address that is signed anew."""
    base = f"{_base(request, store)}/uploads/{upload['id']}/parts"
    # There may be ten thousand of them.
    await asyncio.to_thread(_sign, store.uploads.signer, base, upload)
    return json_answer({"upload": upload})


def _sign(signer: Signer, base: str, upload: dict[str, Any]) -> None:
    expires = signer.expiry()
    until = utc(expires)
    for part in upload.get("parts", ()):
        signature = signer.sign(upload["id"], part["number"], expires)
        part["url"] = f"{base}/{part['number']}?expires={expires}&signature={signature}"
        part["expires"] = until


def _base(request: web.Request, store: Store) -> str:
    """The API's address as the caller knows it."""
    prefix = request.path.partition("/uploads")[0]
    shown = request.headers.get("X-Forwarded-Host", request.host)
    public = store.settings.values.public_url
    if public and urlsplit(public).hostname == (urlsplit(f"//{shown}").hostname or ""):
        return public + prefix
    # Whoever tells it wrongly only gets addresses that do not work.
    told = request.headers.get("X-Forwarded-Proto", "")
    scheme = told if told in ("http", "https") else request.scheme
    return f"{scheme}://{request.host}{prefix}"
