"""What browser tests rely on: the real page, and the pack mounted as ComfyUI does it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.comfyui.processes import PACK_FOLDER, RunningComfyUI
from tests.upstream.weights import safetensors
from tests.waiting import until


def test_the_page_the_packs_script_and_its_routes_are_there(
    comfy_page_host: RunningComfyUI, frontend_version: str
) -> None:
    assert "<title>ComfyUI" in comfy_page_host.ask("GET", "/").text
    script = f"/extensions/{PACK_FOLDER}/curator.js"
    assert script in comfy_page_host.ask("GET", "/api/extensions").json()
    assert comfy_page_host.ask("GET", script).headers["Cache-Control"] == "no-cache"
    assert comfy_page_host.ask("GET", "/api/admin/hello").json()["status"] == "ok"
    node = comfy_page_host.ask("GET", "/api/object_info").json()["CuratorGalleryImage"]
    assert node["output"] == ["IMAGE", "MASK", "STRING", "STRING", "INT"]


def test_an_uploaded_picture_is_in_the_input_folder_and_in_the_list(
    comfy_page_host: RunningComfyUI,
) -> None:
    drawn = BytesIO()
    Image.new("RGB", (4, 4), "red").save(drawn, "PNG")
    answer = comfy_page_host.ask(
        "POST", "/upload/image", files={"image": ("red.png", drawn.getvalue(), "image/png")}
    )
    assert answer.json() == {"name": "red.png", "subfolder": "", "type": "input"}
    inputs = comfy_page_host.ask("GET", "/object_info/LoadImage").json()["LoadImage"]["input"]
    assert inputs["required"]["image"][0] == ["red.png"]
    viewed = comfy_page_host.ask("GET", "/view?type=input&filename=red.png")
    assert viewed.content == drawn.getvalue()


def test_another_origin_is_refused_and_no_origin_passes(comfy_page_host: RunningComfyUI) -> None:
    asked = ("GET", "/system_stats")
    elsewhere = {"Origin": "http://127.0.0.1:1"}
    assert comfy_page_host.ask(*asked, headers=elsewhere).status_code == 403
    assert comfy_page_host.ask(*asked, headers={"Origin": comfy_page_host.url}).ok
    assert comfy_page_host.ask(*asked).ok


def test_a_prompt_that_is_given_to_comfyui_says_that_its_models_are_used(
    comfy_base: Path, comfy_page_host: RunningComfyUI
) -> None:
    folder = comfy_base / "models" / "loras" / "styles"
    folder.mkdir(parents=True)
    (folder / "ink.safetensors").write_bytes(safetensors("LORA", "ink"))

    def model() -> dict[str, Any]:
        rows = comfy_page_host.ask("GET", "/api/admin/models?type=loras").json()["models"]
        return rows[0] if rows and rows[0]["sha256"] else {}

    until(model)
    use = f"/api/admin/library/models/{model()['sha256']}/use"
    assert comfy_page_host.ask("GET", use).json() == {"last_used": None}
    inputs = {"lora_name": str(Path("styles", "ink.safetensors")), "strength_model": 1}
    prompt = {"1": {"class_type": "LoraLoader", "inputs": inputs}}
    assert comfy_page_host.ask("POST", "/prompt", json={"prompt": prompt}).ok
    until(lambda: comfy_page_host.ask("GET", use).json()["last_used"])
