"""Model folders are read, not written: whatever Curator does with a library, they stay as they are.

The exceptions are what a person asks for: a model to be fetched, uploaded, moved or deleted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from tests.organising import INFO, Shelf, Tree, report_of, tree
from tests.serving import RunningServer
from tests.upstream.pictures import png
from tests.waiting import until


def fill(shelf: Shelf) -> dict[str, str]:
    """Models with everything that other programs leave beside them."""
    keys = {name: shelf.lora(f"loras/x/{name}.safetensors", name) for name in ("a", "b")}
    shelf.lora("loras/y/copy.safetensors", "a")
    shelf.put("checkpoints/torn.safetensors", b"\x00" * 9)
    shelf.put("checkpoints/notes.bak", b"not ours")
    shelf.put("loras/x/a.civitai.info", json.dumps(INFO).encode())
    shelf.put("loras/x/b.metadata.json", b'{"model_name": "B", "notes": "n"}')
    shelf.put("loras/x/a.preview.png", png("a", 64, 48))
    shelf.put("loras/x/a.safetensors.part", b"half")
    (shelf.models / "vae" / "empty").mkdir(parents=True)
    return keys


def work(server: RunningServer, keys: dict[str, str]) -> None:
    """Everything that works on a library without being asked to write a model."""
    a, b = keys["a"], keys["b"]

    def ask(method: str, path: str, **how: Any) -> Any:
        answer = server.ask(method, path, **how)
        assert answer.status_code in (200, 207), f"{method} {path}: {answer.text}"
        return answer

    def finish(method: str, path: str, **how: Any) -> dict[str, Any]:
        return report_of(server, ask(method, path, **how))

    ask("GET", "/models", params={"type": "loras"})
    ask("POST", "/models/scan", json={})
    ids = [each["id"] for each in ask("GET", "/migration/pending_models").json()["models"]]
    ask("POST", "/migration/import_models", json={"id": ids, "conflict_strategy": "merge"})
    finish("POST", "/library/lookup", json={})
    finish("POST", "/library/sidecars", json={"dry_run": False})
    tags = ask("POST", "/tags_add", json={"newtags": ["t"]}).json()["tags"]
    ask("PATCH", f"/models/{a}", json={"name": "Other", "notes": "x", "tags": tags})
    ask("PATCH", f"/models/{a}", json={"type": "checkpoints"})
    ask("POST", "/library/bulk", json={"keys": [a, b], "set": {"rating": 3}, "add_tags": ["u"]})
    made = ask("POST", "/library/collections", json={"name": "C"}).json()["id"]
    items = {"items": [{"kind": "model", "id": a}]}
    ask("POST", f"/library/collections/{made}/items", json=items)
    files = {"image": png("s", 40, 30), "sha256": (None, b)}
    ask("POST", "/images/upload", files=files)
    ask("DELETE", "/images/delete", params={"sha256": b, "seq": 0})
    ask("GET", f"/library/models/{a}/pictures")
    ask("GET", "/library/unused", params={"days": 0})
    finish("POST", "/library/move", json={"rule": "{base_model}/{file}"})
    finish("POST", "/library/backups")
    name = finish("POST", "/library/export", json={})["name"]
    exported = server.store.host.data / "exports" / name
    finish("POST", "/library/import", json={"path": str(exported), "dry_run": False})
    ask("DELETE", f"/library/collections/{made}")


@pytest.mark.parametrize("writable", [True, False], ids=["writable", "read-only"])
def test_nothing_in_a_models_folder_is_written_changed_or_removed(
    tmp_path: Path, options: Options, writable: bool
) -> None:
    root = tmp_path / "root"
    with RunningServer(root, options) as server:
        shelf = Shelf(server)
        keys = fill(shelf)
        folders = [path for path in shelf.models.rglob("*") if path.is_dir()]
        if not writable:
            for folder in folders:
                folder.chmod(0o555)
        try:
            before: Tree = tree(shelf.models)
            shelf.hashed()
            work(server, keys)
            assert tree(shelf.models) == before
            rows = server.get("/models", params={"type": "loras"}).json()["models"]
            assert {row["sha256"] for row in rows} >= {keys["b"]}
        finally:
            for folder in folders:
                folder.chmod(0o755)
    with RunningServer(root, options) as server:
        until(lambda: server.store.library.is_complete)
        assert tree(shelf.models) == before
