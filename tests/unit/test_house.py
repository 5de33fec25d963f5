"""The rules of the house that no other tool holds: layers, packaging, what the root files say."""

from __future__ import annotations

import ast
import configparser
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli

from tests.checkout import ROOT, pip_install

PROJECT: dict[str, Any] = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = ("store", "routes", "nodes")
HOST_MODULES = {"server", "folder_paths", "comfy", "execution"}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """What a module imports, wherever in it: `requests`, and of the pack itself `.store.errors`."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            yield "." + ".".join([*base, *filter(None, [node.module])])
            if not node.module:
                yield from ("." + ".".join([*base, alias.name]) for alias in node.names)


@functools.cache
def roots(path: Path) -> frozenset[str]:
    """The first parts of what it imports: `requests`, `.store`."""
    names = (name for name in imported(path))
    return frozenset(
        "." + name[1:].split(".")[0] if name.startswith(".") else name.split(".")[0]
        for name in names
    )


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ ;\[]", line)[0].lower() for line in requirements}


def requirements_of(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def test_this_test_reads_imports_as_python_does(tmp_path: Path) -> None:
    assert "aiohttp" in roots(ROOT / "routes" / "routing.py")
    assert ".store" in roots(ROOT / "routes" / "table.py")
    assert ".store" in roots(ROOT / "nodes" / "gallery_image.py")


@pytest.mark.parametrize("path", modules("store"), ids=str)
def test_the_store_knows_no_http_server_no_comfyui_and_no_torch(path: Path) -> None:
    allowed = HOST_MODULES if path == ROOT / "store" / "host.py" else set[str]()
    assert not roots(path) & ({"aiohttp", "torch", "numpy"} | HOST_MODULES) - allowed
    assert not roots(path) & {".routes", ".nodes"}


@pytest.mark.parametrize("path", modules("routes", "nodes"), ids=str)
def test_routes_and_nodes_know_the_store_and_not_each_other(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    other = {"routes": ".nodes", "nodes": ".routes"}[layer]
    assert other not in roots(path)
    assert not roots(path) & HOST_MODULES


@pytest.mark.parametrize("path", [ROOT / "__main__.py", *modules(*LAYERS)], ids=str)
def test_the_pack_imports_itself_relatively_and_only_what_it_declares(path: Path) -> None:
    from_outside = {name for name in roots(path) if not name.startswith(".")}
    assert not from_outside & {"comfyui_curator", *LAYERS}
    declared = names_of(PROJECT["project"]["dependencies"])
    known = {"PIL": "pillow", "send2trash": "send2trash"}
    needed = {known.get(name, name) for name in from_outside - sys.stdlib_module_names}
    # `tests` prepares a checkout; torch and numpy come with ComfyUI, urllib3 with requests.
    spared = HOST_MODULES | {"tests", "torch", "numpy", "urllib3", "multidict", "yarl"}
    assert needed - spared <= declared


def test_every_declared_dependency_is_imported_somewhere() -> None:
    used = {name.lower() for path in modules(*LAYERS) for name in roots(path)}
    used |= {"pillow"} if "pil" in used else set()
    assert names_of(PROJECT["project"]["dependencies"]) <= used


def test_requirements_txt_equals_the_projects_dependencies() -> None:
    listed = requirements_of(ROOT / "requirements.txt")
    assert listed == PROJECT["project"]["dependencies"]


def test_every_sub_package_is_listed() -> None:
    folders = {path.parent.relative_to(ROOT) for path in modules(*LAYERS)}
    packages = {"comfyui_curator", *("comfyui_curator." + ".".join(f.parts) for f in folders)}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages
    assert all((ROOT / folder / "__init__.py").is_file() for folder in folders)


@pytest.mark.parametrize("path", [ROOT / "__init__.py", *modules(*LAYERS)], ids=str)
def test_the_roots_init_is_short_and_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parsed(path))
    if path == ROOT / "__init__.py":
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40


def test_the_changelog_begins_with_the_projects_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    assert newest and newest[1] == PROJECT["project"]["version"]
    init = (ROOT / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{newest[1]}"' in init


def test_the_readme_names_both_commands_and_shows_pictures_that_are_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```\w*\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    lines = {line for block in commands for line in block.splitlines()}
    assert {"python3 . serve --demo", "python3 -m tests"} <= lines
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", readme)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_registry_finds_what_it_asks_for() -> None:
    project, comfy = PROJECT["project"], PROJECT["tool"]["comfy"]
    assert "comfyui" not in project["name"].lower()
    assert project["urls"]["Repository"].startswith("https://")
    assert comfy["PublisherId"] and comfy["DisplayName"] == "Curator"
    assert comfy["Icon"].startswith("https://")
    assert (ROOT / comfy["Icon"].partition("/main/")[2]).is_file()
    assert re.fullmatch(r">=\d+\.\d+\.\d+", comfy["requires-comfyui"])
    left_out = requirements_of(ROOT / ".comfyignore")
    assert "tests/" in left_out, "the registry refuses pip at run time; only tests/ has that"


def test_nothing_in_the_pack_evaluates_text_or_starts_pip() -> None:
    for path in [ROOT / "__init__.py", ROOT / "__main__.py", *modules(*LAYERS)]:
        for node in ast.walk(parsed(path)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name):
                assert called.id not in ("eval", "exec", "compile", "__import__"), path
        assert "pip" not in roots(path)
        # One module starts processes: this very Python with a script of ours, to hash models.
        assert "subprocess" not in roots(path) or path == ROOT / "store" / "hashing_process.py"


def test_no_lock_file_and_no_packages_folder_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    locks = {"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "uv.lock", "poetry.lock"}
    assert [name for name in listed if Path(name).name in locks or "node_modules" in name] == []


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_the_page(tmp_path: Path) -> None:
    source = tmp_path / "source"
    # Built from a copy: setuptools writes `build` and an egg-info beside what it builds.
    for name in ("pyproject.toml", "README.md", "LICENSE", "__init__.py", "__main__.py"):
        _copy(ROOT / name, source / name)
    for name in ("tests/requirements.txt", "tests/requirements-dev.txt"):
        _copy(ROOT / name, source / name)
    wanted = [path for path in modules(*LAYERS) if path.suffix == ".py"]
    wanted += [path for path in (ROOT / "web").rglob("*") if path.is_file()]
    for path in wanted:
        _copy(path, source / path.relative_to(ROOT))
    target = tmp_path / "installed"
    how = ["--no-deps", "--no-build-isolation", "--no-compile", "--target", str(target)]
    pip_install(Path(sys.executable), [*how, str(source)])
    pack = target / "comfyui_curator"
    missing = [path for path in wanted if not (pack / path.relative_to(ROOT)).is_file()]
    assert missing == []
    assert not (pack / "tests").exists()
    entry = configparser.ConfigParser()
    entry.read(next(target.glob("curator-*.dist-info/entry_points.txt")), encoding="utf-8")
    assert entry["console_scripts"]["curator"] == "comfyui_curator.__main__:main"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def test_the_import_inside_comfyui_leaves_the_routes_and_the_store_for_later() -> None:
    code = """
import sys
from tests.loading import load_pack
load_pack()
from comfyui_curator.routes import mount
from comfyui_curator.store import host, start
print(*sorted(name for name in sys.modules if name.startswith("comfyui_curator.")))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "comfyui_curator.routes.mounting" in loaded
    assert not loaded & {f"comfyui_curator.{name}" for name in ("routes.table", "store.store")}
