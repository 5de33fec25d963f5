"""What every test needs: the checkout as the package `comfyui_curator`, and shared fixtures."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.loading import load_pack
from tests.sites import Site, listening

ROOT = Path(__file__).resolve().parent.parent
load_pack()


class RootIsNoTestPackage:
    """The root has an `__init__.py` for ComfyUI; pytest would import it as a package of tests."""

    @pytest.hookimpl
    def pytest_collect_directory(
        self, path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RootIsNoTestPackage())
    tools.use()
    for module in ("tests.upstream.fixtures", "tests.comfyui.fixtures"):
        package = module.rpartition(".")[0]
        if importlib.util.find_spec(package) and importlib.util.find_spec(module):
            config.pluginmanager.import_plugin(module)


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that answers as the test says, beside the stand-in for CivitAI and Hugging Face."""
    with listening() as site:
        yield site
