"""pytest fixtures: the stand-in and real ComfyUI, with each version of the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import frontends

from .processes import RunningComfyUI, real, stand_in


@pytest.fixture(scope="package", params=frontends.VERSIONS)
def frontend_version(request: pytest.FixtureRequest) -> str:
    """Each version of ComfyUI's page in turn."""
    return request.param


@pytest.fixture(scope="package")
def comfy_base(tmp_path_factory: pytest.TempPathFactory, frontend_version: str) -> Path:
    """ComfyUI's base folder; a package may override this to put things there."""
    return tmp_path_factory.mktemp("comfyui")


@pytest.fixture(scope="package")
def comfy_page_host(frontend_version: str, comfy_base: Path) -> Iterator[RunningComfyUI]:
    """The stand-in, once for each version of its page."""
    with stand_in(comfy_base, frontend_version) as comfyui:
        yield comfyui


@pytest.fixture(scope="session")
def comfyui_source() -> Path:
    """The checkout of real ComfyUI that this machine offers."""
    named = os.environ.get("COMFYUI_PATH")
    if not named:
        pytest.skip("COMFYUI_PATH names no checkout of ComfyUI (it needs torch)")
    return Path(named)


@pytest.fixture(scope="package")
def real_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real ComfyUI's base folder; a package may override this to put things there."""
    return tmp_path_factory.mktemp("comfyui")


@pytest.fixture(scope="package")
def real_comfyui(
    comfyui_source: Path, real_base: Path, frontend_version: str
) -> Iterator[RunningComfyUI]:
    """Real ComfyUI with the pack in its `custom_nodes`, once for each version of its page."""
    with real(comfyui_source, real_base, frontend_version) as comfyui:
        yield comfyui
