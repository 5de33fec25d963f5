"""Reading what model files say of themselves, whatever their bytes are."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest

from comfyui_curator.store.model_headers import Header, read_header
from tests.upstream.weights import pickled, safetensors


def packed(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def read(folder: Path, data: bytes, name: str = "a.safetensors", **how: bool) -> Header:
    path = folder / name
    path.write_bytes(data)
    return read_header(path, **how)


def gguf_text(text: str, order: str = "<") -> bytes:
    return struct.pack(order + "Q", len(text.encode())) + text.encode()


def gguf(
    keys: dict[str, bytes], tensors: bytes = b"", count: int = 0, version: int = 3, order: str = "<"
) -> bytes:
    head = b"GGUF" + struct.pack(order + "IQQ", version, count, len(keys))
    return head + b"".join(gguf_text(k, order) + v for k, v in keys.items()) + tensors


def test_a_lora_tells_its_metadata_tensors_parameters_types_and_rank(tmp_path: Path) -> None:
    header = read(tmp_path, safetensors("LORA", "mine"), strict=True)
    assert (header.format, header.error) == ("safetensors", "")
    assert header.metadata == {"format": "pt", "ss_output_name": "mine"}
    assert len(header.tensors) == 3
    assert header.parameters == 4 * 64 + 64 * 4 + 1
    assert header.dtypes == {"F16": 513}
    assert header.rank == 4
    data = (tmp_path / "a.safetensors").read_bytes()
    assert header.data_start == 8 + int.from_bytes(data[:8], "little")
    assert header.size == len(data)


@pytest.mark.parametrize("name", ["x.safetensors", "x.sft", "x.bin", "no-suffix"])
def test_the_bytes_tell_the_format_and_not_the_name(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, safetensors("VAE", "v"), name).format == "safetensors"


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickles_are_told_as_such_and_not_opened(tmp_path: Path, protocol: int) -> None:
    assert read(tmp_path, pickle.dumps([1], protocol=protocol), "a.pt").format == "pickle"
    assert read(tmp_path, pickled("x"), "b.bin").format == "pickle"
    assert read(tmp_path, pickle.dumps([1], protocol=0), "c.ckpt").format == "pickle"
    assert read(tmp_path, b"onnx...", "d.onnx").format == "other"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\x01\x02", "cut short"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "no safetensors"),
        ((2**64 - 1).to_bytes(8, "little"), "no safetensors"),
        (packed({})[:-1], "cut short"),
        (packed(b""), "header is empty"),
        (packed(b"[]"), "no JSON object"),
        (packed(b"{not json"), "no JSON"),
        (packed(b"\xff\xfe{}"), "no JSON"),
        (packed(b'{"a":' * 100_000), "no JSON"),
        (packed(b"[" * 100_000 + b"]" * 100_000), "no JSON"),
        (packed({"a": 1}), "does not say where"),
        (packed({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0]}}), "does not say where"),
        (packed({"a": {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]}}), "impossible"),
        (packed({"a": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}), "impossible"),
        (packed({"a": {"dtype": 16, "shape": [2], "data_offsets": [0, 4]}}), "impossible"),
        (packed({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 2**80]}}), "impossible"),
        (packed({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}, b"\0"), "3 bytes"),
    ],
)
def test_a_broken_or_hostile_file_is_told_as_such(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in read(tmp_path, data).error


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed(b'{"__metadata__":{"a":"1","a":"2"}}'), "stands twice"),
        (packed({"a": {"dtype": "F16", "shape": [3], "data_offsets": [0, 4]}}, b"0000"), "not fit"),
        (packed({"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 4]}}, b"0000"), "unknown"),
        (packed({"a": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}, b"0000"), "follow"),
        (packed({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}, b"0000"), "2 bytes"),
    ],
)
def test_strict_tells_what_a_loader_may_refuse_and_the_list_does_not(
    tmp_path: Path, data: bytes, said: str
) -> None:
    assert read(tmp_path, data).error == ""
    assert said in read(tmp_path, data, strict=True).error


def test_metadata_that_are_no_texts_are_made_some(tmp_path: Path) -> None:
    header = read(tmp_path, packed({"__metadata__": {"a": 1, "b": {"c": None}, "d": "e"}}))
    assert header.metadata == {"a": "1", "b": '{"c":null}', "d": "e"}
    assert read(tmp_path, packed({"__metadata__": [1]})).metadata == {}


def test_a_shape_beyond_all_numbers_gives_a_number_that_can_be_kept(tmp_path: Path) -> None:
    entry = {"dtype": "F16", "shape": [2**62, 2**62], "data_offsets": [0, 0]}
    assert read(tmp_path, packed({"a": entry})).parameters == 2**63 - 1


def test_what_is_no_readable_file_is_told_and_does_not_block(tmp_path: Path) -> None:
    assert read_header(tmp_path / "gone").error
    assert read_header(tmp_path).error
    assert read_header("a\0b").error
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.safetensors")
        assert read_header(tmp_path / "pipe.safetensors").error == "This is no file."


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [2, 3])
def test_gguf_tells_keys_and_tensors(tmp_path: Path, version: int, order: str) -> None:
    def number(kind: int, code: str, value: Any) -> bytes:
        return struct.pack(order + "I" + code, kind, value)

    words = [gguf_text(f"word{n}", order) for n in range(100)]
    keys = {
        "general.architecture": struct.pack(order + "I", 8) + gguf_text("flux", order),
        "general.alignment": number(4, "I", 64),
        "scale": number(6, "f", 0.5),
        "wrong": number(6, "f", float("nan")),
        "on": number(7, "?", True),
        "few": struct.pack(order + "IIQ2i", 9, 5, 2, -1, 2),
        "many": struct.pack(order + "IIQ", 9, 4, 1000) + bytes(4000),
        "words": struct.pack(order + "IIQ", 9, 8, 100) + b"".join(words),
    }
    tensors = gguf_text("a.weight", order) + struct.pack(order + "IQQIQ", 2, 64, 3, 8, 0)
    tensors += gguf_text("b.weight", order) + struct.pack(order + "IQIQ", 1, 5, 30, 256)
    data = gguf(keys, tensors, 2, version, order)
    start = -(-len(data) // 64) * 64
    header = read(tmp_path, data.ljust(start + 256 + 10, b"\0"), "a.gguf", strict=True)
    assert (header.format, header.error, header.data_start) == ("gguf", "", start)
    assert header.metadata == {
        "general.architecture": "flux",
        "general.alignment": 64,
        "scale": 0.5,
        "wrong": "nan",
        "on": True,
        "few": [-1, 2],
    }
    assert header.tensors["a.weight"] == ("Q8_0", (3, 64), 0, 204)
    assert header.dtypes == {"Q8_0": 192, "BF16": 5}
    assert "cut short" in read(tmp_path, data, "a.gguf").error


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF",
        gguf({}, version=1),
        gguf({}, version=77),
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**60),
        gguf({"a": struct.pack("<IIQ", 9, 4, 2**60)}),
        gguf({"a": struct.pack("<IIQ", 9, 8, 2**60)}),
        gguf({"a": struct.pack("<IIQ", 9, 9, 1) * 50}),
        gguf({"a": struct.pack("<I", 99)}),
        gguf({}, gguf_text("t") + struct.pack("<I", 2**31), 1),
        gguf({}, gguf_text("t") + struct.pack("<IQQIQ", 2, 2**62, 2**62, 0, 0), 1),
    ],
)
def test_a_hostile_gguf_is_told_as_such(tmp_path: Path, data: bytes) -> None:
    header = read(tmp_path, data.ljust(len(data) + 4000, b"\0"), "a.gguf")
    assert header.format == "gguf"
    assert header.error


def test_a_long_header_is_read_whole(tmp_path: Path) -> None:
    entry = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    data = packed({f"tensor{n}.lora_A.weight": entry for n in range(5000)}, b"0")
    header = read(tmp_path, data)
    assert (header.error, len(header.tensors), header.rank) == ("", 5000, 1)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"a": "b"},
        {"a": '"},"w":{"', "b": '\\"},'},
        {"ss_datasets": '{"x": {"y": "z"},"w": 1}'},
        {"nested": {"y": "z"}, "w": {"y": "z"}},
    ],
)
def test_tensors_that_many_files_share_are_told_of_each_beside_its_own_metadata(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    tensor = {"shape": [2], "data_offsets": [0, 4], "dtype": "F16"}
    empty = {"shape": [0], "data_offsets": [4, 4], "dtype": "F16"}
    for number in range(2):
        own = {**said, "number": str(number)} if said else {}
        text = json.dumps({"__metadata__": own, "a": tensor, "b": empty}, separators=(",", ":"))
        header = read(tmp_path, packed(text.encode() + b" " * number, b"data"), strict=True)
        assert (header.error, list(header.tensors), header.dtypes) == ("", ["a", "b"], {"F16": 2})
        assert list(header.metadata) == list(own)
        assert header.metadata.get("a") == own.get("a")


def test_metadata_that_stand_twice_hide_no_tensors(tmp_path: Path) -> None:
    tensor = b'{"dtype":"F16","shape":[2],"data_offsets":[0,4]}'
    said = b'"__metadata__":{"a":"%d"}'
    text = b"{" + said % 1 + b',"t":' + tensor + b"," + said % 2 + b"}"
    header = read(tmp_path, packed(text, b"data"))
    assert (header.error, list(header.tensors), header.metadata) == ("", ["t"], {"a": "2"})
