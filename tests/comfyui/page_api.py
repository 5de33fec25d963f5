"""What ComfyUI's page asks its server for, as far as a page needs it that runs no workflow."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from .modules import PromptServer

_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif")
_IDLE = {"exec_info": {"queue_remaining": 0}}
_EMPTY_ANSWERS: dict[str, Any] = {
    "/features": {"supports_preview_metadata": True, "max_upload_size": 104857600},
    "/i18n": {},
    "/queue": {"queue_running": [], "queue_pending": []},
    "/history": {},
    "/prompt": _IDLE,
    "/workflow_templates": {},
    "/users": {"storage": "server", "migrated": True},
    "/embeddings": [],
    "/global_subgraphs": {},
}


def _size(default: int) -> list[Any]:
    return ["INT", {"default": default, "min": 1, "max": 16384}]


def _choice(*names: str) -> list[Any]:
    return [list(names), {}]


_LATENT_SIZE = {"width": _size(512), "height": _size(512), "batch_size": _size(1)}

# Both pages open with a workflow of these; a node that they do not know puts dialogs before all.
_FIRST_WORKFLOWS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "CheckpointLoaderSimple": (
        {"ckpt_name": _choice("v1-5-pruned-emaonly-fp16.safetensors")},
        ("MODEL", "CLIP", "VAE"),
    ),
    "CLIPLoader": (
        {
            "clip_name": _choice("qwen_3_4b.safetensors"),
            "type": _choice("lumina2"),
            "device": _choice("default"),
        },
        ("CLIP",),
    ),
    "CLIPTextEncode": (
        {"text": ["STRING", {"multiline": True}], "clip": ["CLIP", {}]},
        ("CONDITIONING",),
    ),
    "EmptyLatentImage": (_LATENT_SIZE, ("LATENT",)),
    "EmptySD3LatentImage": (_LATENT_SIZE, ("LATENT",)),
    "KSampler": (
        {
            "model": ["MODEL", {}],
            "seed": ["INT", {"default": 0, "max": 2**64 - 1, "control_after_generate": True}],
            "steps": _size(20),
            "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1}],
            "sampler_name": _choice("euler", "res_multistep"),
            "scheduler": _choice("normal", "simple"),
            "positive": ["CONDITIONING", {}],
            "negative": ["CONDITIONING", {}],
            "latent_image": ["LATENT", {}],
            "denoise": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}],
        },
        ("LATENT",),
    ),
    "ModelSamplingAuraFlow": (
        {"model": ["MODEL", {}], "shift": ["FLOAT", {"default": 1.73}]},
        ("MODEL",),
    ),
    "UNETLoader": (
        {
            "unet_name": _choice("z_image_turbo_bf16.safetensors"),
            "weight_dtype": _choice("default"),
        },
        ("MODEL",),
    ),
    "VAEDecode": ({"samples": ["LATENT", {}], "vae": ["VAE", {}]}, ("IMAGE",)),
    "VAELoader": ({"vae_name": _choice("ae.safetensors")}, ("VAE",)),
}

# The older page wants to know them all as soon as there is a node for a LoRA.
_LOADERS = {
    "ImageOnlyCheckpointLoader": "ckpt_name",
    "LoraLoaderModelOnly": "lora_name",
    "ControlNetLoader": "control_net_name",
    "UpscaleModelLoader": "model_name",
    "StyleModelLoader": "style_model_name",
    "GLIGENLoader": "gligen_name",
}


def add_page_api(server: PromptServer, base: Path, node_classes: dict[str, type[Any]]) -> None:
    """Everything that belongs to ComfyUI and not to a pack."""
    _add_facts(server, base, node_classes)
    _add_user_files(server, base / "user" / "default")
    _add_pictures(server, base)
    _add_socket(server)


def _add_facts(server: PromptServer, base: Path, node_classes: dict[str, type[Any]]) -> None:
    def fixed(answer: Any) -> Any:
        async def tell(request: web.Request) -> web.Response:
            return web.json_response(answer)

        return tell

    for path, answer in _EMPTY_ANSWERS.items():
        server.routes.get(path)(fixed(answer))
    system = {
        "os": "posix",
        "comfyui_version": "0.3.64",
        "python_version": "3",
        "argv": ["main.py"],
    }
    server.routes.get("/system_stats")(fixed({"system": system, "devices": []}))

    async def models(request: web.Request) -> web.Response:
        folders = sorted(path for path in (base / "models").iterdir() if path.is_dir())
        return web.json_response([{"name": f.name, "folders": [str(f)]} for f in folders])

    async def nodes(request: web.Request) -> web.Response:
        known = _core_nodes(base / "input")
        known |= {name: _described(name, node) for name, node in node_classes.items()}
        asked = request.match_info.get("node")
        return web.json_response(known if asked is None else {asked: known[asked]})

    async def queue(request: web.Request) -> web.Response:
        server.trigger_on_prompt(await request.json())
        return web.json_response({"prompt_id": "0", "number": 0, "node_errors": {}})

    server.routes.post("/prompt")(queue)
    server.routes.get("/experiment/models")(models)
    server.routes.get("/object_info")(nodes)
    server.routes.get("/object_info/{node}")(nodes)


def _core_nodes(input_folder: Path) -> dict[str, Any]:
    files = sorted(p.name for p in input_folder.iterdir() if p.suffix.lower() in _IMAGES)
    prefix = ["STRING", {"default": "ComfyUI", "tooltip": "The prefix for the file to save."}]
    shown = {"images": ["IMAGE", {"tooltip": "The images to save."}]}
    hidden = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
    load = {"required": {"image": [files, {"image_upload": True}]}}
    save = {"required": {**shown, "filename_prefix": prefix}, "hidden": hidden}
    preview = {"required": shown, "hidden": hidden}
    strength = ["FLOAT", {"default": 1.0, "min": -100.0, "max": 100.0, "step": 0.01}]
    lora: dict[str, Any] = {
        "model": ["MODEL", {}],
        "clip": ["CLIP", {}],
        "lora_name": _choice("listed.safetensors"),
        "strength_model": strength,
        "strength_clip": strength,
    }
    drawn = {
        name: _node(name, name, {"required": inputs}, outputs)
        for name, (inputs, outputs) in _FIRST_WORKFLOWS.items()
    }
    loaders = {
        name: _node(name, name, {"required": {widget: _choice("listed.safetensors")}}, ("MODEL",))
        for name, widget in _LOADERS.items()
    }
    return {
        **drawn,
        **loaders,
        "LoadImage": _node("LoadImage", "Load Image", load, ("IMAGE", "MASK")),
        "LoraLoader": _node("LoraLoader", "Load LoRA", {"required": lora}, ("MODEL", "CLIP")),
        "SaveImage": _node("SaveImage", "Save Image", save, (), ends=True),
        "PreviewImage": _node("PreviewImage", "Preview Image", preview, (), ends=True),
    }


def _described(name: str, node: type[Any]) -> dict[str, Any]:
    outputs, names = node.RETURN_TYPES, getattr(node, "RETURN_NAMES", node.RETURN_TYPES)
    described = _node(name, name, node.INPUT_TYPES(), outputs, category=node.CATEGORY)
    return {**described, "output_name": list(names), "python_module": "custom_nodes.curator"}


def _node(
    name: str,
    title: str,
    inputs: dict[str, Any],
    outputs: tuple[str, ...],
    *,
    category: str = "image",
    ends: bool = False,
) -> dict[str, Any]:
    return {
        "input": inputs,
        "input_order": {kind: list(declared) for kind, declared in inputs.items()},
        "output": list(outputs),
        "output_is_list": [False] * len(outputs),
        "output_name": list(outputs),
        "name": name,
        "display_name": title,
        "description": "",
        "python_module": "nodes",
        "category": category,
        "output_node": ends,
    }


def _add_user_files(server: PromptServer, user: Path) -> None:
    settings = user / "comfy.settings.json"
    user.mkdir(parents=True, exist_ok=True)
    if not settings.exists():
        # Without this the page opens a dialog with templates over everything.
        settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}), encoding="utf-8")

    def stored() -> dict[str, Any]:
        return json.loads(settings.read_text(encoding="utf-8"))

    async def get_settings(request: web.Request) -> web.Response:
        name = request.match_info.get("id")
        return web.json_response(stored() if name is None else stored().get(name))

    async def set_settings(request: web.Request) -> web.Response:
        name, given = request.match_info.get("id"), await request.json()
        changed = {**stored(), **(given if name is None else {name: given})}
        settings.write_text(json.dumps(changed), encoding="utf-8")
        return web.Response()

    async def list_files(request: web.Request) -> web.Response:
        folder = user / request.query.get("dir", "")
        if not folder.is_dir():
            return web.Response(status=404, text="Directory not found")
        files = [path for path in folder.rglob("*") if path.is_file()]
        names = [path.relative_to(folder).as_posix() for path in files]
        if request.query.get("full_info") != "true":
            return web.json_response(names)
        facts = [(name, path.stat()) for name, path in zip(names, files, strict=True)]
        shown = [
            {"path": name, "size": fact.st_size, "modified": int(fact.st_mtime * 1000)}
            for name, fact in facts
        ]
        return web.json_response(shown)

    async def get_file(request: web.Request) -> web.StreamResponse:
        path = user / request.match_info["file"]
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    async def put_file(request: web.Request) -> web.Response:
        path = user / request.match_info["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(await request.read())
        return web.json_response(request.match_info["file"])

    routes = server.routes
    for path in ("/settings", "/settings/{id}"):
        routes.get(path)(get_settings)
        routes.post(path)(set_settings)
    routes.get("/userdata")(list_files)
    routes.get("/userdata/{file}")(get_file)
    routes.post("/userdata/{file}")(put_file)


def _add_pictures(server: PromptServer, base: Path) -> None:
    def placed(kind: str, subfolder: str, name: str) -> Path | None:
        folder = base / kind
        path = (folder / subfolder / Path(name).name).resolve()
        known = kind in ("input", "output", "temp")
        return path if known and path.is_relative_to(folder.resolve()) else None

    @server.routes.get("/view")
    async def view(request: web.Request) -> web.StreamResponse:  # pyright: ignore[reportUnusedFunction] - by the decorator
        asked = request.query
        path = placed(
            asked.get("type", "output"), asked.get("subfolder", ""), asked.get("filename", "")
        )
        return web.FileResponse(path) if path and path.is_file() else web.Response(status=404)

    @server.routes.post("/upload/image")
    async def upload(request: web.Request) -> web.Response:  # pyright: ignore[reportUnusedFunction] - by the decorator
        form = await request.post()
        given, kind = form.get("image"), str(form.get("type") or "input")
        subfolder = str(form.get("subfolder") or "")
        if not isinstance(given, web.FileField):
            return web.Response(status=400)
        path = placed(kind, subfolder, given.filename)
        if path is None:
            return web.Response(status=400)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(given.file.read())
        return web.json_response({"name": path.name, "subfolder": subfolder, "type": kind})


def _add_socket(server: PromptServer) -> None:
    @server.routes.get("/ws")
    async def talk(request: web.Request) -> web.WebSocketResponse:  # pyright: ignore[reportUnusedFunction] - by the decorator
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.query.get("clientId") or uuid.uuid4().hex
        server.sockets[sid] = socket
        try:
            await socket.send_json({"type": "status", "data": {"status": _IDLE, "sid": sid}})
            async for message in socket:
                if message.type == WSMsgType.TEXT and "feature_flags" in message.data:
                    flags = _EMPTY_ANSWERS["/features"]
                    await socket.send_json({"type": "feature_flags", "data": flags})
        finally:
            server.sockets.pop(sid, None)
        return socket
