"""`python -m tests.comfyui.host`: ComfyUI's real page with the pack, without torch and models.

Mounts the pack as ComfyUI 0.3.64 does: imported on the main thread inside the running loop, under
a module name made of its full path, before the application is frozen; no shutdown hook ever runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import ipaddress
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from urllib.parse import quote, urlsplit

from aiohttp import web

from tests import checkout, frontends

from . import modules
from .page_api import add_page_api

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_IMAGES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


@web.middleware
async def cache_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Scripts are asked for anew, pictures kept for a day, unless the handler says otherwise."""
    response = await handler(request)
    path = request.path.lower()
    if path.endswith((".js", ".css")):
        response.headers.setdefault("Cache-Control", "no-cache")
    elif path.endswith(_IMAGES) and response.status in (200, 206, 301, 308, 404):
        age = 3600 if response.status == 404 else 86400
        response.headers.setdefault("Cache-Control", f"public, max-age={age}")
    return response


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """With a loopback Host, another Origin is refused; no Origin and `null` pass."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
    asked, came = urlsplit(f"//{host}"), urlsplit(origin)
    if came.hostname and asked.hostname and _is_loopback(asked.hostname):
        ports_count = came.port is not None and asked.port is not None
        if came.hostname != asked.hostname or (ports_count and came.port != asked.port):
            return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


def _is_loopback(name: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost"


async def serve(base: Path, page: Path, pack: Path, listening: socket.socket) -> None:
    """Answer for ever. Prints the address, alone on the first line, once requests are answered."""
    port = listening.getsockname()[1]
    middlewares = [cache_headers, same_origin]
    server = modules.PromptServer(asyncio.get_running_loop(), middlewares)
    modules.install(server, base, port)
    loaded = _load(pack)
    add_page_api(server, base, loaded.NODE_CLASS_MAPPINGS)
    _add_files(server, page, pack.name, pack / loaded.WEB_DIRECTORY)
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    print(f"http://127.0.0.1:{port}/", flush=True)
    await server.publish_loop()


def _load(pack: Path) -> ModuleType:
    name = str(pack).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, pack / "__init__.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _add_files(server: modules.PromptServer, page: Path, pack: str, web_folder: Path) -> None:
    """The page's own files, and the pack's under `/extensions/<its folder>/`."""
    scripts = [f"/{p.relative_to(page).as_posix()}" for p in page.glob("extensions/**/*.js")]

    def own_scripts() -> list[str]:
        names = (path.relative_to(web_folder).as_posix() for path in web_folder.rglob("*.js"))
        return [f"/extensions/{quote(pack)}/{name}" for name in names]

    async def list_extensions(request: web.Request) -> web.Response:
        return web.json_response([*scripts, *own_scripts()])

    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(page / "index.html", headers={"Cache-Control": "no-cache"})

    server.routes.get("/extensions")(list_extensions)
    server.routes.get("/")(index)
    routes = [route for route in server.routes if isinstance(route, web.RouteDef)]
    twins = (web.route(r.method, "/api" + r.path, r.handler, **r.kwargs) for r in routes)
    server.app.add_routes([*twins, *server.routes])
    if web_folder.is_dir():
        server.app.add_routes([web.static(f"/extensions/{pack}", web_folder)])
    server.app.add_routes([web.static("/", page)])


def main() -> int:
    """Until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.comfyui.host", description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="input, output, models, user, …")
    parser.add_argument("--page", choices=frontends.VERSIONS, default=frontends.VERSIONS[-1])
    parser.add_argument("--pack", type=Path, default=checkout.ROOT, help="the pack's folder")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    listening = socket.socket()
    listening.bind(("127.0.0.1", asked.port))
    base, pack = asked.base.absolute(), asked.pack.absolute()
    # As in ComfyUI: no clean-up of the application, only `atexit`.
    loop = asyncio.new_event_loop()
    with contextlib.suppress(KeyboardInterrupt):
        loop.run_until_complete(serve(base, frontends.ensure(asked.page), pack, listening))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
