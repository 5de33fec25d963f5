"""Names from strangers become names that every file system takes."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from comfyui_curator.store.errors import BadInput, NotFound
from comfyui_curator.store.names import inside, is_safe_name, name_with, relative_folder, safe_name


@pytest.mark.parametrize(
    "given,made",
    [
        ("lantern v1.safetensors", "lantern v1.safetensors"),
        ("größer 動画.png", "größer 動画.png"),
        ("../../x.safetensors", "_.._x.safetensors"),
        ("..\\..\\x.safetensors", "_.._x.safetensors"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x.png", "C__x.png"),
        ("a\x00b\nc.png", "a_b_c.png"),
        ("CON", "_CON"),
        ("con.txt.png", "_con.txt.png"),
        ("Lpt1.png", "_Lpt1.png"),
        ("COM².png", "_COM².png"),
        ("AUX .png", "_AUX.png"),
        ("console.png", "console.png"),
        ("name. . .", "name"),
        ("name .png", "name.png"),
        (" . .x", "x"),
        (".hidden.png", "hidden.png"),
        ("\u3000.png", "png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200b\u2066b.png", "ab.png"),
        ("e\u0301.png", "é.png"),
        ("half \ud83d.png", "half.png"),
        ('what? "is" <this>|*.png', "what_ _is_ _this___.png"),
    ],
)
def test_a_name_is_made_safe(given: str, made: str) -> None:
    assert safe_name(given) == made
    assert is_safe_name(made)


@pytest.mark.parametrize("given", ["", ".", "..", "...", "/", "\\", "\x00", "\u202e", " ", "___"])
def test_a_name_without_anything_in_it_becomes_the_fallback(given: str) -> None:
    assert safe_name(given, fallback="picture") == "picture"
    assert not is_safe_name(given)


@pytest.mark.parametrize("given", ["x" * 300 + ".safetensors", "動" * 150 + ".png", "y" * 400])
def test_a_long_name_is_cut_and_keeps_its_extension(given: str) -> None:
    made = safe_name(given)
    assert 190 < len(made.encode()) <= 200
    assert Path(made).suffix == Path(given).suffix
    assert is_safe_name(made)


def test_what_was_made_safe_stays_as_it_is(tmp_path: Path) -> None:
    pieces = ["..", ".", " ", "/", "\\", "con", "COM1", "\u202e", "\x00", "é", "動", "_", "a", ":"]
    pieces += ["x" * 120, "\u3000", "e\u0301", "\ud83d", "~", "-", "\x7f", ".png", "nul", "¹"]
    chance = random.Random(7)
    for _ in range(5000):
        given = "".join(chance.choices(pieces, k=chance.randint(1, 9)))
        made = safe_name(given)
        assert safe_name(made) == made, repr(given)
        assert len(made.encode()) <= 200
        assert (tmp_path / made).parent == tmp_path


@pytest.mark.parametrize("name", ["v1.safetensors", "noext", "x" * 188 + ".safetensors"])
def test_an_addition_stands_before_the_extension(name: str) -> None:
    made = name_with(name, "_123")
    assert is_safe_name(made)
    assert made.endswith("_123" + Path(name).suffix)
    assert name.startswith(made.split("_123")[0])


@pytest.mark.parametrize("text", ["loras", "loras/SDXL", "loras\\SDXL", "größer/動画 2"])
def test_a_plain_relative_folder_is_taken(text: str) -> None:
    assert relative_folder(text, field="dest").as_posix() == text.replace("\\", "/")


@pytest.mark.parametrize(
    "text", ["", "/", "/etc", "..", "a/../b", "a//b", "a/", "./a", "C:/x", "con/x", "a/\x00", " a"]
)
def test_any_other_folder_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        relative_folder(text, field="dest")
    assert refused.value.field == "dest"


class TestInside:
    def test_a_path_below_is_given(self, tmp_path: Path) -> None:
        assert inside(tmp_path, "a", "b.png") == Path(os.path.realpath(tmp_path)) / "a" / "b.png"
        assert inside(tmp_path, "a", "..", "b") == Path(os.path.realpath(tmp_path)) / "b"

    @pytest.mark.parametrize(
        "parts",
        [("..",), ("a", "../../b"), ("/etc/passwd",), ("a\x00",)]
        # What Windows would ask another computer for, on every system: names are shared with it.
        + [("\\\\host\\share\\a",), ("//host/share/a",), ("a", "C:b"), ("\\\\?\\C:\\a",)],
    )
    def test_a_path_that_leads_out_is_not_there(
        self, tmp_path: Path, parts: tuple[str, ...]
    ) -> None:
        with pytest.raises(NotFound):
            inside(tmp_path / "root", *parts)

    def test_a_neighbour_with_a_longer_name_is_outside(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            inside(tmp_path / "root", "../root-2/x")

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
    def test_a_link_that_leads_out_is_not_followed(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        root.mkdir()
        (tmp_path / "secret").write_text("x")
        (root / "link").symlink_to(tmp_path / "secret")
        (root / "folder").symlink_to(tmp_path)
        (root / "good").symlink_to(root / "a")
        for path in ("link", "folder/secret"):
            with pytest.raises(NotFound):
                inside(root, path)
        assert inside(root, "good").name == "a"


def test_a_name_of_half_a_million_blanks_is_no_work() -> None:
    assert safe_name("a" + " ." * 500_000 + "b.png") == "a.png"
