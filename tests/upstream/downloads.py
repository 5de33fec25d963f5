"""Downloads: CivitAI's redirect, and the storage behind it."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from .catalogue import metadata
from .cdn import made
from .ranges import answer_bytes
from .records import File, Version
from .site import SITE, Site, failure, shown_key


def add_routes(app: web.Application) -> None:
    app.router.add_get("/api/download/models/{version}", redirect_download)


def add_storage_routes(app: web.Application) -> None:
    app.router.add_get("/model/{file}/{name}", serve_file)
    app.router.add_get("/image/{uuid}", serve_image)


async def redirect_download(request: web.Request) -> web.StreamResponse:
    """302 or 307 (by the version's id) to the signed storage, or why not."""
    site = request.app[SITE]
    text = request.match_info["version"]
    if not text.isascii() or not text.isdigit():
        return failure(400, "Invalid version id")
    version = site.world.versions.get(int(text))
    if version is None or site.world.model_of(version).removed:
        return failure(404, "File not found")
    refused = _refusal(site, version, shown_key(request))
    if refused is not None:
        return refused
    file = _chosen(version, request)
    if file is None:
        return failure(404, "File not found")
    address = site.signed(
        "storage",
        f"/model/{file.id}/{file.content.git_oid[:16]}",
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Expires": "86400",
            "response-content-disposition": disposition(file.name),
        },
    )
    return web.Response(
        status=307 if version.id % 2 else 302,
        headers={"Location": address, "Cache-Control": "private, no-store"},
    )


def _refusal(site: Site, version: Version, key: str) -> web.Response | None:
    if site.world.model_of(version).mode == "Archived":
        return failure(410, "Model archived, not available for download")
    if version.usage != "Download":
        return failure(403, "Forbidden", message="The creator has disabled downloads on this file")
    if (version.gated or version.early_access) and key != site.world.civitai_key:
        what = "The creator of this asset requires you to be logged in to download it"
        return failure(401, "Unauthorized", message=what)
    if version.early_access:
        deadline = version.early_access.isoformat()
        what = "This asset is in Early Access. You can use Buzz access it now!"
        return failure(403, "Early Access", deadline=deadline, message=what)
    return None


def _chosen(version: Version, request: web.Request) -> File | None:
    """The file that the query asks for; without a query the primary one."""
    wanted = {
        name: value.lower()
        for name, value in request.query.items()
        if name in ("type", "format", "size", "fp")
    }
    if not wanted:
        return version.primary
    for file in version.files:
        told = {"type": file.kind, **metadata(file)}
        if all(str(told.get(name, "")).lower() == value for name, value in wanted.items()):
            return file
    return None


def disposition(name: str) -> str:
    """`Content-Disposition` for a name of any letters."""
    plain = name.encode("ascii", "replace").decode().replace("\\", "\\\\").replace('"', '\\"')
    text = f'attachment; filename="{plain}"'
    return text if name.isascii() else f"{text}; filename*=UTF-8''{quote(name, safe='')}"


def storage_refusal(request: web.Request) -> web.Response | None:
    """Why a storage does not serve: no valid signature, or a key beside it."""
    if not request.app[SITE].is_signed(request):
        return _xml(403, "SignatureDoesNotMatch", "The signature does not match.")
    if "Authorization" in request.headers:
        return _xml(400, "InvalidArgument", "Only one auth mechanism allowed.")
    return None


async def serve_file(request: web.Request) -> web.StreamResponse:
    """A model file at the storage."""
    refused = storage_refusal(request)
    if refused is not None:
        return refused
    file = request.app[SITE].world.find_file(int(request.match_info["file"]))
    if file is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    data = await made(file.content)
    return answer_bytes(
        request,
        data,
        content_type="application/octet-stream",
        etag=file.content.sha256[:32],
        modified=request.app[SITE].world.now,
        headers={"Content-Disposition": request.query["response-content-disposition"]},
    )


async def serve_image(request: web.Request) -> web.StreamResponse:
    """A picture that the CDN has redirected here."""
    refused = storage_refusal(request)
    if refused is not None:
        return refused
    image = request.app[SITE].world.by_uuid[request.match_info["uuid"]]
    data = await made(image.content)
    return answer_bytes(
        request,
        data,
        content_type=image.content_type,
        etag=image.content.sha256[:32],
        modified=image.created,
    )


def _xml(status: int, code: str, text: str) -> web.Response:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return web.Response(status=status, text=body, content_type="application/xml")
