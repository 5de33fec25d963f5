"""Whether uploaded bytes are what they are said to be, by the bytes alone."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store import Options
from comfyui_curator.store.errors import Impossible
from comfyui_curator.store.model_checks import Checked, validate
from comfyui_curator.store.settings import Settings
from comfyui_curator.store.thumbnails import Decoder
from tests.upstream import films, pictures, weights

Check = Callable[..., Checked]


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def check(tmp_path: Path, decoder: Decoder) -> Check:
    def check(data: bytes, kind: str = "model", name: str = "m.safetensors", **values: Any) -> Any:
        path = tmp_path / "content"
        path.write_bytes(data)
        settings = Settings(tmp_path / "settings.json", Options(overrides=values))
        return validate(path, kind, name=name, settings=settings, decoder=decoder)

    return check


def refused(check: Check, *given: Any, **how: Any) -> str:
    with pytest.raises(Impossible) as caught:
        check(*given, **how)
    return caught.value.text


def tensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def of(begin: int, end: int, shape: list[int] | None = None) -> dict[str, Any]:
    return {"dtype": "U8", "shape": shape or [end - begin], "data_offsets": [begin, end]}


def gguf(*, tensor_bytes: int = 64, kind: int = 0, count: int = 1) -> bytes:
    """One F32 tensor of 16 numbers."""
    name = b"a.weight"
    head = b"GGUF" + struct.pack("<IQQ", 3, count, 0)
    head += struct.pack("<Q", len(name)) + name + struct.pack("<IQIQ", 1, 16, kind, 0)
    return head + bytes(-len(head) % 32) + bytes(tensor_bytes)


def torch_archive(data: bytes) -> bytes:
    return weights.archive({"archive/data.pkl": data, "archive/data/0": bytes(64)})


class Runs:
    def __reduce__(self) -> Any:
        return os.listdir, (".",)


class TestModels:
    @pytest.mark.parametrize("kind", ["LORA", "Checkpoint", "VAE", "Flux"])
    def test_safetensors_are_taken(self, check: Check, kind: str) -> None:
        checked = check(weights.safetensors(kind, "salt"), name="any.bin")
        assert checked.ext == ".safetensors"
        assert checked.header is not None
        assert checked.header.tensors

    def test_gguf_is_taken(self, check: Check) -> None:
        assert check(gguf(), name="x.safetensors").ext == ".gguf"

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "empty"),
            (weights.archive({"a.txt": b"x"}), "zip archive"),
            (torch_archive(pickle.dumps({})), "pickle"),
            (pickle.dumps({}, protocol=2), "pickle"),
            (b"<!doctype html><html>", "web page"),
            ((1 << 30).to_bytes(8, "little") + b"{" + bytes(100), "1,073,741,824 bytes"),
            ((1 << 63).to_bytes(8, "little") + b"{" + bytes(100), "header would take"),
            (tensors(b"{" + b" " * 99)[:60], "cut short"),
            (tensors(b"{broken"), "no JSON"),
            (tensors(b"{" + b'"a":[' * 50_000), "no JSON"),
            (tensors({}), "no tensors"),
            (tensors({"__metadata__": {"a": "b"}}), "no tensors"),
            (tensors({"a": of(0, 8), "b": of(4, 12)}, bytes(12)), "do not follow"),
            (tensors({"a": of(0, 8), "b": of(9, 12)}, bytes(12)), "do not follow"),
            (tensors({"a": of(4, 8)}, bytes(8)), "do not follow"),
            (tensors({"a": of(0, 8)}, bytes(9)), "1 bytes after"),
            (tensors({"a": of(0, 8)}, bytes(7)), "1 bytes are missing"),
            (tensors({"a": of(0, 8, [3])}, bytes(8)), "do not fit its shape"),
            (tensors({"a": {**of(0, 8), "shape": [-8]}}, bytes(8)), "impossible"),
            (tensors({"a": {**of(0, 8), "data_offsets": [8, 0]}}, bytes(8)), "impossible"),
            (tensors({"a": {**of(0, 8), "dtype": "X"}}, bytes(8)), "unknown type"),
            (tensors(b'{"a":%s,"a":%s}' % ((json.dumps(of(0, 8)).encode(),) * 2)), "twice"),
            (gguf(tensor_bytes=8), ""),
            (gguf(count=1 << 40), ""),
            (gguf()[:30], ""),
            (bytes(1000), "neither"),
            (pictures.png("salt", 8, 8), "header would take"),
        ],
    )
    def test_what_is_no_whole_model_is_refused_with_what_to_do(
        self, check: Check, data: bytes, says: str
    ) -> None:
        text = refused(check, data, name="x.safetensors" if says != "neither" else "x")
        assert says in text
        assert text.count(".") >= 2, "what is wrong, and what to do"

    def test_a_zip_called_safetensors_is_called_a_zip(self, check: Check) -> None:
        text = refused(check, weights.archive({"m.safetensors": weights.safetensors("VAE", "s")}))
        assert "zip archive" in text
        assert "Unpack" in text


class TestPickles:
    def test_are_refused_and_the_setting_is_named(self, check: Check) -> None:
        assert "allow_pickles" in refused(check, weights.pickled("salt"))

    @pytest.mark.parametrize(
        "data", [weights.pickled("salt"), pickle.dumps({"a": 1.0}, protocol=4)]
    )
    def test_harmless_ones_are_taken_where_the_setting_allows_it(
        self, check: Check, data: bytes
    ) -> None:
        assert check(data, name="up.pth", allow_pickles=True).ext == ".pth"

    @pytest.mark.parametrize(
        "data",
        [
            torch_archive(pickle.dumps(Runs())),
            pickle.dumps(Runs(), protocol=2),
            pickle.dumps({"deep": [Runs()]}, protocol=5),
            pickle.dumps(0x1950A86A20F9469CFC6C, 2)
            + pickle.dumps(1001, 2)
            + pickle.dumps({}, 2)
            + pickle.dumps(Runs(), 2)
            + pickle.dumps([], 2),
        ],
    )
    def test_that_run_something_are_never_taken(self, check: Check, data: bytes) -> None:
        text = refused(check, data, name="x.pt", allow_pickles=True)
        assert "listdir" in text
        assert "safetensors" in text

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (torch_archive(b"\x80\x02" + bytes(9 << 20)), "too large"),
            (torch_archive(b"\x80\x02}"), "broken"),
            (torch_archive(pickle.dumps({}))[:-30], "broken"),
            (b"\x80\x04\x95", "broken"),
            (
                weights.archive({"a/data.pkl": pickle.dumps({}), "a/code/x.py": b"import os"}),
                "TorchScript",
            ),
        ],
    )
    def test_that_cannot_be_looked_through_are_refused(
        self, check: Check, data: bytes, says: str
    ) -> None:
        assert says in refused(check, data, name="x.pt", allow_pickles=True)


def glb(length: int | None = None) -> bytes:
    body = b'{"asset":{"version":"2.0"}} '
    total = 20 + len(body) if length is None else length
    return b"glTF" + struct.pack("<III4s", 2, total, len(body), b"JSON") + body


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("kind", "data", "content_type", "ext"),
        [
            ("image", pictures.png("a", 8, 8), "image/png", ".png"),
            ("avatar", pictures.jpeg("a", 8, 8), "image/jpeg", ".jpeg"),
            ("video", films.mp4("a", 64, 48), "video/mp4", ".mp4"),
            ("3d", glb(), "model/gltf-binary", ".glb"),
            ("3d", b'{"asset":{"version":"2.0"}}', "model/gltf+json", ".gltf"),
            ("audio", b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "audio/wav", ".wav"),
            ("audio", b"ID3\x04" + bytes(20), "audio/mpeg", ".mp3"),
            ("audio", b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg", ".mp3"),
            ("audio", b"fLaC" + bytes(40), "audio/flac", ".flac"),
            ("audio", b"OggS" + bytes(40), "audio/ogg", ".ogg"),
            ("text", "Grüße, 世界\n".encode(), "text/plain; charset=utf-8", ""),
            ("text", b"", "text/plain; charset=utf-8", ""),
            ("asset", bytes(100), "application/octet-stream", ""),
        ],
    )
    def test_are_told_by_their_bytes(
        self, check: Check, kind: str, data: bytes, content_type: str, ext: str
    ) -> None:
        checked = check(data, kind, "lies.html")
        assert (checked.content_type, checked.ext) == (content_type, ext)

    @pytest.mark.parametrize(
        ("kind", "data", "says"),
        [
            ("image", b"", "empty"),
            ("image", pictures.png("a", 40, 40)[:-40], "broken"),
            ("image", films.mp4("a", 64, 48), "kind video"),
            ("image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
            ("video", pictures.png("a", 8, 8), "kind image"),
            ("video", films.mp4("a", 64, 48)[:200], "broken"),
            ("video", films.frameless(), "no frames"),
            ("3d", glb(4000), "cut short"),
            ("3d", b"solid cube", "glTF"),
            ("3d", b'{"a":1}', "asset.version"),
            ("3d", b'{"asset":' * 9000, "broken"),
            ("audio", pictures.jpeg("a", 8, 8), "no sound"),
            ("text", "Grüße".encode("utf-16"), "UTF-8"),
            ("text", b"abc\xff", "UTF-8"),
            ("text", "ü".encode()[:1], "UTF-8"),
        ],
    )
    def test_that_they_are_not_are_refused(
        self, check: Check, kind: str, data: bytes, says: str
    ) -> None:
        assert says in refused(check, data, kind, "x.png")

    def test_a_letter_that_lies_across_two_pieces_is_whole(self, check: Check) -> None:
        assert check(b"a" * ((1 << 20) - 1) + "ü".encode(), "text")
