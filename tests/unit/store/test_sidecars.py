"""Texts in files that other programs left beside models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from comfyui_curator.store.sidecars import FORMATS, Said, merged, plain, read

BY_NAME = {each.name: each for each in FORMATS}


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One &amp; <b>two</b></p><p>three<br/>four</p>", "One & two\nthree\nfour"),
        ("a < b and c > d", "a < b and c > d"),
        ("  plain\n\ntext ", "plain\n\ntext"),
        ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
        ("<img src=x onerror=alert(1)>hi", "hi"),
        ("&lt;b&gt;", "&lt;b&gt;"),
        ("", ""),
    ],
)
def test_html_becomes_plain_text(markup: str, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize("evil", ["<!--", "<a", "<a b='", "</", "<![CDATA["])
def test_tags_that_never_end_are_no_burden(evil: str) -> None:
    # A parser that looks for each end anew would take many seconds.
    assert len(plain(evil * 20_000 + "<b>")) <= 100_000


def said(tmp_path: Path, kind: str, told: Any) -> Said | None:
    path = tmp_path / "x"
    path.write_bytes(told if isinstance(told, bytes) else orjson.dumps(told))
    return read(path, BY_NAME[kind])


@pytest.mark.parametrize("kind", BY_NAME)
def test_values_of_other_types_are_passed_over(tmp_path: Path, kind: str) -> None:
    names = (
        "modelId model_name file_name ModelId ModelName sha256 baseModel base_model notes tags "
        "trainedWords usage_tips civitai activation_text favorite Hashes TrainedWords Tags"
    ).split()
    wrongs: list[Any] = [3, [[]], {"x": [1]}, None, True, "x" * 300]
    for wrong in wrongs:
        told = dict.fromkeys(names, wrong) | {"activation text": wrong, "sd version": wrong}
        found = said(tmp_path, kind, {**told, "id": wrong, "name": wrong, "model": {"tags": wrong}})
        for name, value in found.fields.items() if found else ():
            expected = {"tags": list, "meta": dict, "favorite": bool, "trigger_words": list,
                        "presets": list}.get(name, str)  # fmt: skip
            assert isinstance(value, expected), name


def test_numbers_that_are_none_and_torn_letters_are_read_all_the_same(tmp_path: Path) -> None:
    found = said(tmp_path, "a1111", b'{"activation text": "gl\xffow", "preferred weight": NaN}')
    assert found
    assert found.fields["trigger_words"][0]["text"].startswith("gl")
    assert found.fields["presets"] == []


@pytest.mark.parametrize("data", [b"", b"[", b"[]", b"3", b"[" * 100_000])
def test_what_is_no_object_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        said(tmp_path, "a1111", data)


@pytest.mark.parametrize(
    ("tips", "preset"),
    [
        ('{"strength": 0.8}', {"name": "", "min": None, "recommended": 0.8, "max": None}),
        ('{"strength_min": "0.2", "strength_max": 1}',
         {"name": "", "min": 0.2, "recommended": None, "max": 1.0}),
        ('{"strength": 5, "strength_max": 1}', None),
        ('{"strength": 1e9}', None),
        ("{broken", None),
        ("{}", None),
    ],
)  # fmt: skip
def test_strengths_that_make_no_sense_are_left_out(
    tmp_path: Path, tips: str, preset: dict[str, Any] | None
) -> None:
    found = said(tmp_path, "metadata_json", {"model_name": "x", "usage_tips": tips})
    assert found
    assert found.fields.get("presets", []) == ([preset] if preset else [])


def test_of_several_files_the_first_that_says_something_is_heard() -> None:
    one = Said({"name": "", "notes": "n", "tags": ["a"], "meta": {"description": ""}})
    two = Said({"name": "B", "notes": "m", "tags": ["b", "a"], "meta": {"description": "d"}})
    assert merged([one, two]).fields == {
        "name": "B", "notes": "n", "tags": ["a", "b"], "meta": {"description": "d"},
    }  # fmt: skip
