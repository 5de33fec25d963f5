"""Hugging Face: what a repository holds, and its files."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from .cdn import made
from .downloads import storage_refusal
from .ranges import answer_bytes
from .records import Repository, RepositoryFile
from .site import SITE, Site, shown_key

# Owner and name, or a name alone as the oldest repositories have it.
_REPOSITORY = r"{repository:[^/]+(?:/[^/]+)?}"
_OWNED = r"{repository:[^/]+/[^/]+}"


def add_routes(app: web.Application) -> None:
    add = app.router.add_get
    for repository in (_OWNED, r"{repository:[^/]+}"):
        add(f"/api/models/{repository}/tree/{{revision}}", list_tree)
        add(f"/api/models/{repository}/tree/{{revision}}/{{folder:.*}}", list_tree)
        add(f"/api/models/{repository}/revision/{{revision}}", show_repository)
        add(f"/{repository}/resolve/{{revision}}/{{path:.+}}", resolve_file)
    add(f"/api/models/{_REPOSITORY}", show_repository)


def add_storage_routes(app: web.Application) -> None:
    app.router.add_get("/repos/{repository}/{sha256}", serve_file)


class Refused(Exception):
    """Why a request gets no answer; `response` says it in Hugging Face's way."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.response = web.json_response(
            {"error": text},
            status=status,
            headers={"X-Error-Code": code, "X-Error-Message": text} if code else {},
        )


def _repository(request: web.Request, *, reads_files: bool) -> Repository:
    """The repository that this caller may see. Raises Refused, or the redirect of a moved one."""
    site = request.app[SITE]
    name = request.match_info["repository"]
    token = shown_key(request)
    known = ("", site.world.huggingface_token, site.world.huggingface_outsider)
    if token not in known:
        raise Refused(401, "", "Invalid credentials in Authorization header")
    found = site.world.repositories.get(name)
    if found is None:
        for each in site.world.repositories.values():
            if each.moved_from == name:
                raise web.HTTPTemporaryRedirect(
                    request.path_qs.replace(each.moved_from, each.name, 1)
                )
    if found is None or (found.private and token != site.world.huggingface_token):
        # To strangers it does not say whether there is such a repository.
        if token:
            raise Refused(404, "RepoNotFound", "Repository not found")
        raise Refused(401, "RepoNotFound", "Invalid username or password.")
    if found.gated and reads_files:
        what = f"Access to model {found.name} is restricted."
        if not token:
            raise Refused(401, "GatedRepo", f"{what} You must have access to it and be logged in.")
        if token != site.world.huggingface_token:
            raise Refused(403, "GatedRepo", f"{what} You are not in the authorized list.")
    revision = request.match_info.get("revision", "main")
    if revision not in ("main", found.commit, *found.tags):
        raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return found


async def show_repository(request: web.Request) -> web.StreamResponse:
    try:
        shown = _repository(request, reads_files=False)
    except Refused as refused:
        return refused.response
    return web.json_response(
        {
            "_id": hashlib.sha256(shown.name.encode()).hexdigest()[:24],
            "id": shown.name,
            "modelId": shown.name,
            "author": shown.name.partition("/")[0] if "/" in shown.name else None,
            "sha": shown.commit,
            "lastModified": shown.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "private": shown.private,
            "gated": shown.gated or False,
            "disabled": False,
            "downloads": 10,
            "likes": 3,
            "tags": ["license:mit"],
            "siblings": [{"rfilename": file.path} for file in shown.files],
        }
    )


async def list_tree(request: web.Request) -> web.StreamResponse:
    """Files and folders; long lists go on at the `Link` with rel="next"."""
    site = request.app[SITE]
    try:
        shown = _repository(request, reads_files=False)
    except Refused as refused:
        return refused.response
    folder = request.match_info.get("folder", "").strip("/")
    deep = request.query.get("recursive", "").lower() in ("true", "1")
    entries = _entries(shown, folder, deep)
    if folder and not entries:
        return Refused(404, "EntryNotFound", f"{folder} does not exist").response
    text = request.query.get("cursor", "0")
    start = int(text) if text.isascii() and text.isdigit() else 0
    end = start + site.switches.tree_page_size
    headers: dict[str, str] = {}
    if end < len(entries):
        query = {**request.query, "cursor": str(end)}
        address = f"{site.addresses['huggingface']}{quote(request.path)}?{urlencode(query)}"
        headers["Link"] = f'<{address}>; rel="next"'
    return web.json_response(entries[start:end], headers=headers)


def _entries(shown: Repository, folder: str, deep: bool) -> list[dict[str, Any]]:
    below = f"{folder}/" if folder else ""
    entries: dict[str, dict[str, Any]] = {}
    for file in shown.files:
        if not file.path.startswith(below):
            continue
        parts = file.path[len(below) :].split("/")
        for depth in range(1, len(parts)):
            path = below + "/".join(parts[:depth])
            oid = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
            entries.setdefault(path, {"type": "directory", "oid": oid, "size": 0, "path": path})
            if not deep:
                break
        if deep or len(parts) == 1:
            entries[file.path] = _file_entry(file)
    return list(entries.values())


def _file_entry(file: RepositoryFile) -> dict[str, Any]:
    size = len(file.content.data)
    entry: dict[str, Any] = {"type": "file", "size": size, "path": file.path}
    if not file.lfs:
        return {**entry, "oid": file.content.git_oid}
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{file.content.sha256}\nsize {size}\n"
    ).encode()
    blob = b"blob %d\0" % len(pointer) + pointer
    return {
        **entry,
        "oid": hashlib.sha1(blob, usedforsecurity=False).hexdigest(),
        "lfs": {"oid": file.content.sha256, "size": size, "pointerSize": len(pointer)},
    }


async def resolve_file(request: web.Request) -> web.StreamResponse:
    """A small file itself; for one in LFS a redirect to the storage."""
    site = request.app[SITE]
    try:
        shown = _repository(request, reads_files=True)
        path = request.match_info["path"]
        file = next((each for each in shown.files if each.path == path), None)
        if file is None:
            raise Refused(404, "EntryNotFound", "Entry not found")
    except Refused as refused:
        return refused.response
    data = await made(file.content)
    headers = {"X-Repo-Commit": shown.commit}
    if not file.lfs:
        headers["Content-Disposition"] = _disposition(file)
        return answer_bytes(
            request,
            data,
            content_type="text/plain; charset=utf-8",
            etag=file.content.git_oid,
            modified=shown.modified,
            headers=headers,
        )
    headers |= {
        "X-Linked-Size": str(len(data)),
        "X-Linked-Etag": f'"{file.content.sha256}"',
        "Accept-Ranges": "bytes",
        "Location": _storage_address(site, shown, file),
    }
    return web.Response(status=302, headers=headers)


def _storage_address(site: Site, shown: Repository, file: RepositoryFile) -> str:
    folder = hashlib.sha256(shown.name.encode()).hexdigest()
    return site.signed(
        "huggingface_storage",
        f"/repos/{folder}/{file.content.sha256}",
        {"response-content-disposition": _disposition(file), "Expires": "4000000000"},
    )


def _disposition(file: RepositoryFile) -> str:
    name = file.path.rpartition("/")[2]
    return f"inline; filename*=UTF-8''{quote(name)}; filename=\"{name}\";"


async def serve_file(request: web.Request) -> web.StreamResponse:
    """An LFS file at the storage, by its hash."""
    refused = storage_refusal(request)
    if refused is not None:
        return refused
    world = request.app[SITE].world
    for shown in world.repositories.values():
        if hashlib.sha256(shown.name.encode()).hexdigest() != request.match_info["repository"]:
            continue
        for file in shown.files:
            if file.content.sha256 == request.match_info["sha256"]:
                return answer_bytes(
                    request,
                    await made(file.content),
                    content_type="binary/octet-stream",
                    etag=file.content.sha256[:32],
                    modified=shown.modified,
                    headers={"Content-Disposition": request.query["response-content-disposition"]},
                )
    return web.Response(status=404)
