"""The pack in real ComfyUI, with each version of its page; needs COMFYUI_PATH."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.comfyui.conftest import half_transparent
from tests.comfyui.processes import PACK_FOLDER, RunningComfyUI, data_folder

LOADED = {"class_type": "CuratorGalleryImage", "inputs": {"image_id": "1"}}


def queue(comfyui: RunningComfyUI, workflow: dict[str, Any]) -> dict[str, Any]:
    """Run a workflow to its end; ComfyUI's record of it."""
    answer = comfyui.ask("POST", "/prompt", json={"prompt": workflow})
    assert answer.ok, answer.text
    queued = answer.json()["prompt_id"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        history = comfyui.ask("GET", f"/history/{queued}").json()
        if queued in history and history[queued]["status"]["completed"]:
            return history[queued]
        assert history.get(queued, {}).get("status", {}).get("status_str") != "error", history
        time.sleep(0.1)
    raise AssertionError("the workflow did not end")


def saved_image(comfyui: RunningComfyUI, workflow: dict[str, Any], node: str) -> Image.Image:
    """The picture that this SaveImage node of the workflow has written."""
    written = queue(comfyui, workflow)["outputs"][node]["images"][0]
    answer = comfyui.ask("GET", "/view", params=written)
    return Image.open(BytesIO(answer.content))


def save(images: list[Any]) -> dict[str, Any]:
    return {"class_type": "SaveImage", "inputs": {"images": images, "filename_prefix": "out"}}


def shown_texts(comfyui: RunningComfyUI, image_id: str) -> list[str]:
    """Prompt, negative prompt and seed, as text nodes show them."""
    workflow: dict[str, Any] = {
        "1": {"class_type": "CuratorGalleryImage", "inputs": {"image_id": image_id}}
    }
    for output in (2, 3, 4):
        workflow[str(output)] = {"class_type": "PreviewAny", "inputs": {"source": ["1", output]}}
    outputs = queue(comfyui, workflow)["outputs"]
    return [outputs[str(output)]["text"][0] for output in (2, 3, 4)]


def test_the_pack_is_imported_mounted_and_shown_to_the_page(real_comfyui: RunningComfyUI) -> None:
    times = real_comfyui.said().partition("Import times for custom nodes:")[2].splitlines()
    ours = [line for line in times if line.endswith(f"/{PACK_FOLDER}")]
    assert len(ours) == 1
    assert "IMPORT FAILED" not in ours[0]
    assert real_comfyui.ask("GET", "/api/admin/hello").json()["status"] == "ok"
    scripts = real_comfyui.ask("GET", "/extensions").json()
    assert f"/extensions/{PACK_FOLDER}/curator.js" in scripts
    ours = [name for name in scripts if name.startswith(f"/extensions/{PACK_FOLDER}/")]
    assert len(ours) == 1, "ComfyUI's page imports every script below WEB_DIRECTORY"


def test_the_saved_picture_is_the_gallerys(real_comfyui: RunningComfyUI) -> None:
    saved = saved_image(real_comfyui, {"1": LOADED, "2": save(["1", 0])}, "2")
    assert not ImageChops.difference(saved, half_transparent().convert("RGB")).getbbox()


def test_the_mask_is_white_where_the_picture_is_clear(real_comfyui: RunningComfyUI) -> None:
    shown = {"class_type": "MaskToImage", "inputs": {"mask": ["1", 1]}}
    mask = saved_image(real_comfyui, {"1": LOADED, "2": shown, "3": save(["2", 0])}, "3")
    assert mask.size == (32, 16)
    assert [mask.getpixel((x, 8)) for x in (0, 15, 16, 31)] == [(0, 0, 0)] * 2 + [(255,) * 3] * 2


def test_a_photo_that_lies_on_its_side_stands_up(real_comfyui: RunningComfyUI) -> None:
    loaded = {"class_type": "CuratorGalleryImage", "inputs": {"image_id": "2"}}
    assert saved_image(real_comfyui, {"1": loaded, "2": save(["1", 0])}, "2").size == (24, 40)


def test_prompt_negative_and_seed_come_along(real_comfyui: RunningComfyUI) -> None:
    assert shown_texts(real_comfyui, "1") == ["a lighthouse, dusk", "blurry", "4711"]


def test_a_seed_that_no_sampler_takes_is_the_largest_it_takes(real_comfyui: RunningComfyUI) -> None:
    assert shown_texts(real_comfyui, "3")[2] == str(2**64 - 1)


@pytest.mark.parametrize(
    ("image_id", "why"),
    [("99", "The gallery has no picture with this id."), ("  ", "Enter the id of a picture")],
)
def test_an_id_that_is_not_there_is_refused_before_anything_runs(
    real_comfyui: RunningComfyUI, image_id: str, why: str
) -> None:
    loaded = {"class_type": "CuratorGalleryImage", "inputs": {"image_id": image_id}}
    workflow = {"1": loaded, "2": save(["1", 0])}
    answer = real_comfyui.ask("POST", "/prompt", json={"prompt": workflow})
    assert answer.status_code == 400
    assert why in answer.json()["node_errors"]["1"]["errors"][0]["details"]


def test_a_picture_that_has_not_changed_is_not_loaded_again(real_comfyui: RunningComfyUI) -> None:
    workflow = {"1": LOADED, "2": save(["1", 0])}
    queue(real_comfyui, workflow)
    told = dict(queue(real_comfyui, workflow)["status"]["messages"])
    assert "1" in told["execution_cached"]["nodes"]


def test_the_key_of_the_door_is_not_in_the_log(real_comfyui: RunningComfyUI) -> None:
    assert real_comfyui.ask("GET", "/api/admin/health").ok
    key = (data_folder(real_comfyui.base) / "access-key").read_text(encoding="ascii").strip()
    assert key
    assert key not in real_comfyui.said()
    assert key not in real_comfyui.ask("GET", "/internal/logs").text


def test_a_model_put_into_its_folder_is_listed_and_its_last_use_is_known(
    real_comfyui: RunningComfyUI,
) -> None:
    loras = real_comfyui.base / "models" / "loras"
    loras.mkdir(parents=True, exist_ok=True)
    # Both pages share one folder: each brings a file of its own.
    name = f"used-{time.time_ns()}.safetensors"
    head = b'{"__metadata__":{"name":"%s"}}' % name.encode()
    (loras / name).write_bytes(len(head).to_bytes(8, "little") + head)

    def row() -> dict[str, Any] | None:
        listed = real_comfyui.ask("GET", "/api/admin/models", params={"type": "loras"}).json()
        return next((each for each in listed["models"] if each["name"] == name), None)

    def used() -> Any:
        found = row()
        if not found:
            return None
        key = found["sha256"] or found["place_id"]
        return real_comfyui.ask("GET", f"/api/admin/library/models/{key}/use").json()["last_used"]

    until(lambda: row() is not None)
    assert used() is None
    node = {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": name}}
    # Refused for what it lacks; a person has asked for it all the same.
    assert real_comfyui.ask("POST", "/prompt", json={"prompt": {"1": node}}).status_code == 400
    until(lambda: used() is not None)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens in the background."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
