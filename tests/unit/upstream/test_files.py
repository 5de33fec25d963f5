"""The picture CDN, downloads and the storage behind them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.upstream import Upstream


def _media(upstream: Upstream, label: str, name: str = "") -> str:
    image = upstream.world.image(label)
    return f"{upstream.civitai_images}/{image.uuid}/original=true/{name or image.uuid}.jpeg"


def _download(upstream: Upstream, label: str, **query: str) -> tuple[str, dict[str, str]]:
    version = upstream.world.version(label)
    return f"{upstream.civitai}/api/download/models/{version.id}", query


@pytest.mark.parametrize(
    ("label", "content_type"),
    [
        ("png_as_jpeg", "image/png"),
        ("webp_as_jpeg", "image/webp"),
        ("webp_said_jpeg", "image/jpeg"),
        ("video", "video/mp4"),
        ("exif_turned", "image/jpeg"),
    ],
)
def test_the_cdn_serves_the_original_under_any_name(
    upstream: Upstream, session: requests.Session, label: str, content_type: str
) -> None:
    answer = session.get(_media(upstream, label, "any name"), timeout=10)
    assert answer.content == upstream.world.image(label).content.data
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_one_picture_is_redirected_and_one_is_lost(
    upstream: Upstream, session: requests.Session
) -> None:
    answer = session.get(_media(upstream, "redirected"), timeout=10)
    assert answer.content == upstream.world.image("redirected").content.data
    assert [each.status_code for each in answer.history] == [302]
    assert answer.url.startswith(upstream.storage)
    assert session.get(_media(upstream, "lost"), timeout=10).status_code == 404
    gone = f"{upstream.civitai_images}/{'0' * 36}/original=true/x.jpeg"
    assert session.get(gone, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({}, 200, slice(None)),
        ({"Range": "bytes=0-9"}, 206, slice(0, 10)),
        ({"Range": "bytes=10-"}, 206, slice(10, None)),
        ({"Range": "bytes=-7"}, 206, slice(-7, None)),
        ({"Range": "bytes=5-99999999"}, 206, slice(5, None)),
        ({"Range": "bytes=99999999-"}, 416, slice(0, 0)),
        ({"Range": "bytes=-0"}, 416, slice(0, 0)),
        ({"Range": "bytes=9-5"}, 200, slice(None)),
        ({"Range": "bytes=0-1,4-5"}, 200, slice(None)),
        ({"Range": "pages=0-1"}, 200, slice(None)),
        ({"Range": "bytes=0-9", "If-Range": "{etag}"}, 206, slice(0, 10)),
        ({"Range": "bytes=0-9", "If-Range": "{modified}"}, 206, slice(0, 10)),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, slice(None)),
        ({"If-None-Match": "{etag}"}, 304, slice(0, 0)),
        ({"If-None-Match": '"other"'}, 200, slice(None)),
        ({"If-Modified-Since": "{modified}"}, 304, slice(0, 0)),
    ],
)
@pytest.mark.parametrize("place", ["cdn", "storage", "huggingface_storage"])
def test_parts_and_validators(
    upstream: Upstream,
    session: requests.Session,
    place: str,
    headers: dict[str, str],
    status: int,
    part: slice,
) -> None:
    address = {
        "cdn": _media(upstream, "comfyui_png"),
        "storage": _download(upstream, "lora")[0],
        "huggingface_storage": (
            f"{upstream.huggingface}/mossgarden/single-lora/resolve/main/lora.safetensors"
        ),
    }[place]
    whole = session.get(address, timeout=10)
    told = {"etag": whole.headers["ETag"], "modified": whole.headers["Last-Modified"]}
    asked = {name: value.format(**told) for name, value in headers.items()}
    answer = session.get(address, headers=asked, timeout=10)
    assert (answer.status_code, answer.content) == (status, whole.content[part])
    assert answer.headers["ETag"] == told["etag"]
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(whole.content)}"
    if status == 206:
        first = len(whole.content[: part.start]) if part.start >= 0 else len(whole.content) - 7
        last = first + len(answer.content) - 1
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole.content)}"


def test_head_tells_the_length(upstream: Upstream, session: requests.Session) -> None:
    answer = session.head(_media(upstream, "tiny"), timeout=10)
    assert answer.headers["Content-Length"] == str(len(upstream.world.image("tiny").content.data))


@pytest.mark.parametrize(("label", "status"), [("lora", 307), ("checkpoint_first", 302)])
def test_a_download_is_redirected_to_another_origin(
    upstream: Upstream, session: requests.Session, label: str, status: int
) -> None:
    address, _ = _download(upstream, label)
    answer = session.get(address, timeout=10)
    file = upstream.world.version(label).files[0]
    assert answer.content == file.content.data
    assert [each.status_code for each in answer.history] == [status]
    assert "no-store" in answer.history[0].headers["Cache-Control"]
    assert urlsplit(answer.url).netloc != urlsplit(upstream.civitai).netloc
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{file.name}"'


def test_a_download_that_breaks_off_goes_on_where_it_was(
    upstream: Upstream, session: requests.Session
) -> None:
    address, _ = _download(upstream, "big")
    true = upstream.world.version("big").files[0].content.data
    fault = upstream.faults.add("/model/", origin="storage", cut=3_000_000)
    kept = b""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer = session.get(address, stream=True, timeout=10)
        assert int(answer.headers["Content-Length"]) == len(true)
        for piece in answer.iter_content(1 << 16):
            kept += piece
    assert fault.hits == 1
    assert 0 < len(kept) <= 3_000_000
    rest = session.get(address, headers={"Range": f"bytes={len(kept)}-"}, timeout=10)
    assert rest.status_code == 206
    assert kept + rest.content == true


def test_the_query_picks_the_file(upstream: Upstream, session: requests.Session) -> None:
    version = upstream.world.version("checkpoint")
    shown = session.get(f"{upstream.civitai}/api/v1/model-versions/{version.id}", timeout=10).json()
    for file, told in zip(version.files, shown["files"], strict=True):
        answer = session.get(told["downloadUrl"], timeout=10)
        assert answer.content == file.content.data, told["downloadUrl"]
    address, query = _download(upstream, "checkpoint", format="Core ML")
    assert session.get(address, params=query, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("label", "shown", "status"),
    [
        ("gated", "nothing", 401),
        ("gated", "wrong", 401),
        ("gated", "token", 200),
        ("gated", "bearer", 200),
        ("early_access", "nothing", 401),
        ("early_access", "token", 403),
        ("restricted", "token", 403),
        ("archived", "token", 410),
        ("removed", "token", 404),
        ("no_files", "token", 404),
        ("no_primary", "nothing", 200),
    ],
)
def test_who_gets_what(
    upstream: Upstream, session: requests.Session, label: str, shown: str, status: int
) -> None:
    address, query = _download(upstream, label)
    key = upstream.world.civitai_key
    headers = {"Authorization": f"Bearer {key}"} if shown == "bearer" else {}
    if shown in ("token", "wrong"):
        query["token"] = key if shown == "token" else "wrong"
    answer = session.get(address, params=query, headers=headers, timeout=10)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]


def test_a_version_id_that_is_none_is_400(upstream: Upstream, session: requests.Session) -> None:
    answer = session.get(f"{upstream.civitai}/api/download/models/x", timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid version id")


def test_the_storage_lets_in_only_its_own_signature_and_no_key(
    upstream: Upstream, session: requests.Session
) -> None:
    address, _ = _download(upstream, "lora")
    redirect = session.get(address, allow_redirects=False, timeout=10)
    signed = redirect.headers["Location"]
    assert session.get(signed, timeout=10).status_code == 200
    assert session.get(signed + "0", timeout=10).status_code == 403
    assert session.get(signed.partition("?")[0], timeout=10).status_code == 403
    leaked = session.get(signed, headers={"Authorization": "Bearer made-up-key"}, timeout=10)
    assert leaked.status_code == 400
    assert [each.origin for each in upstream.carrying("made-up-key")] == ["storage"]


@pytest.mark.parametrize(
    "label",
    ["hostile_dots", "hostile_backslash", "hostile_device", "hostile_long", "hostile_rtl"],
)
def test_hostile_names_arrive_in_content_disposition(
    upstream: Upstream, session: requests.Session, label: str
) -> None:
    answer = session.get(_download(upstream, label)[0], timeout=10)
    told: Any = answer.headers["Content-Disposition"]
    name = upstream.world.version(label).files[0].name
    if name.isascii():
        assert name.replace("\\", "\\\\") in told
    else:
        assert f"filename*=UTF-8''{quote(name)}" in told
