"""The catalog as a server's routes take and show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from tests import catalog_files
from tests.serving import RunningServer

ENTRY = {"name": "A [SDXL]", "file": "a.safetensors", "dest": "loras", "size_gb": 0.5}


def stored(server: RunningServer, name: str = "models") -> dict[str, Any]:
    return json.loads((server.store.host.data / f"{name}.json").read_text("utf-8"))


def entries(server: RunningServer, name: str = "models") -> list[dict[str, Any]]:
    path = server.store.host.data / f"{name}.json"
    return catalog_files.all_entries(stored(server, name)) if path.exists() else []


def add(server: RunningServer, version_id: int, query: str = "") -> requests.Response:
    return server.post(f"/civitai/add/{version_id}{query}", json={})


def in_map(server: RunningServer, version_id: int) -> dict[str, Any]:
    return server.get("/models/civitai-map").json()["by_version"][str(version_id)]


def put_file(server: RunningServer, dest: str, name: str, size: int = 3) -> Path:
    return catalog_files.put_file(server.store.host, dest, name, size)
