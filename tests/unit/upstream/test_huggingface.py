"""The local Hugging Face, as the contract has it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.upstream import Upstream, World


@pytest.fixture
def ask(upstream: Upstream, session: requests.Session) -> Any:
    def asked(path: str, token: str = "", method: str = "GET", **how: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{upstream.huggingface}/{path}"
        return session.request(method, address, headers=headers, timeout=10, **how)

    return asked


def test_a_repository_tells_its_commit_and_files(ask: Any, world: World) -> None:
    shown = world.repository("several")
    for path in (
        shown.name,
        f"{shown.name}/revision/v1.0",
        f"{shown.name}/revision/{shown.commit}",
    ):
        told = ask(f"api/models/{path}").json()
        assert (told["sha"], told["gated"], told["private"]) == (shown.commit, False, False)
        assert told["lastModified"].endswith("Z")
        assert {each["rfilename"] for each in told["siblings"]} == {
            file.path for file in shown.files
        }
    gates = [ask(f"api/models/{world.repository(label).name}").json()["gated"] for label in GATED]
    assert gates == ["auto", "manual"]


GATED = ("gated", "asked")


def test_the_tree_tells_hashes_and_folders(ask: Any, world: World) -> None:
    shown = world.repository("several")
    entries = ask(f"api/models/{shown.name}/tree/main?recursive=true").json()
    by_path = {entry["path"]: entry for entry in entries}
    assert by_path["fp16"]["type"] == "directory"
    for file in shown.files:
        entry = by_path[file.path]
        assert (entry["type"], entry["size"]) == ("file", len(file.content.data))
        assert ("lfs" in entry) == file.lfs
        if file.lfs:
            assert entry["lfs"]["oid"] == file.content.sha256
            assert entry["lfs"]["size"] == entry["size"]
            assert entry["oid"] != file.content.git_oid
        else:
            assert entry["oid"] == file.content.git_oid
    top = ask(f"api/models/{shown.name}/tree/main").json()
    assert {entry["path"] for entry in top} == {path for path in by_path if "/" not in path}
    inner = ask(f"api/models/{shown.name}/tree/main/vae").json()
    assert [entry["path"] for entry in inner] == ["vae/vae.safetensors"]


def test_a_long_tree_goes_on_at_the_link(ask: Any, session: requests.Session, world: World) -> None:
    shown = world.repository("long")
    answer = ask(f"api/models/{shown.name}/tree/main?recursive=true")
    paths = [entry["path"] for entry in answer.json() if entry["type"] == "file"]
    pages = 1
    while "next" in answer.links:
        answer = session.get(answer.links["next"]["url"], timeout=10)
        paths += [entry["path"] for entry in answer.json() if entry["type"] == "file"]
        pages += 1
    assert pages == 3
    assert paths == [file.path for file in shown.files]


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_file_in_lfs_is_redirected_with_its_hash(
    ask: Any, upstream: Upstream, world: World, method: str
) -> None:
    shown = world.repository("single")
    content = next(file.content for file in shown.files if file.lfs)
    path = f"{shown.name}/resolve/main/lora.safetensors"
    answer = ask(path, method=method, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["X-Repo-Commit"] == shown.commit
    assert answer.headers["X-Linked-Size"] == str(len(content.data))
    assert answer.headers["X-Linked-Etag"] == f'"{content.sha256}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Location"].startswith(upstream.huggingface_storage)
    assert ask(path).content == content.data


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_small_file_comes_at_once(ask: Any, world: World, method: str) -> None:
    shown = world.repository("single")
    answer = ask(f"{shown.name}/resolve/main/README.md", method=method, allow_redirects=False)
    file = next(file for file in shown.files if file.path == "README.md")
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{file.content.git_oid}"'
    assert answer.headers["X-Repo-Commit"] == shown.commit
    assert answer.content == (file.content.data if method == "GET" else b"")


@pytest.mark.parametrize(
    ("label", "path", "token", "status", "code"),
    [
        ("gated", "resolve/main/model.safetensors", "", 401, "GatedRepo"),
        ("asked", "resolve/main/model.safetensors", "outsider", 403, "GatedRepo"),
        ("asked", "resolve/main/model.safetensors", "member", 302, None),
        ("private", "resolve/main/model.safetensors", "", 401, "RepoNotFound"),
        ("private", "resolve/main/model.safetensors", "outsider", 404, "RepoNotFound"),
        ("private", "resolve/main/model.safetensors", "member", 302, None),
        ("single", "resolve/main/none.safetensors", "", 404, "EntryNotFound"),
        ("single", "resolve/other/lora.safetensors", "", 404, "RevisionNotFound"),
        ("single", "resolve/v1.0/lora.safetensors", "", 302, None),
        ("single", "resolve/main/lora.safetensors", "made-up", 401, None),
        ("no_owner", "resolve/main/model.safetensors", "", 302, None),
        ("moved", "resolve/main/model.safetensors", "", 302, None),
    ],
)
def test_who_gets_what(
    ask: Any, world: World, label: str, path: str, token: str, status: int, code: str | None
) -> None:
    shown = {"member": world.huggingface_token, "outsider": world.huggingface_outsider}
    for method in ("HEAD", "GET"):
        answer = ask(
            f"{world.repository(label).name}/{path}",
            shown.get(token, token),
            method,
            allow_redirects=False,
        )
        assert (answer.status_code, answer.headers.get("X-Error-Code")) == (status, code)


@pytest.mark.parametrize(("token", "status"), [("", 401), ("member", 404)])
def test_an_unknown_repository_is_not_told_from_a_private_one(
    ask: Any, world: World, token: str, status: int
) -> None:
    answer = ask("api/models/nobody/nothing", world.huggingface_token if token else "")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (status, "RepoNotFound")


def test_a_renamed_repository_redirects(ask: Any, world: World) -> None:
    shown = world.repository("moved")
    answer = ask(f"api/models/{shown.moved_from}")
    assert [each.status_code for each in answer.history] == [307]
    assert answer.json()["id"] == shown.name
