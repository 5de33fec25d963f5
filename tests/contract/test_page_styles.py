"""The page's style sheets as one: what they say one by one, in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfyui_curator.routes.page_scripts import UnknownForm
from comfyui_curator.routes.page_styles import joined_styles
from comfyui_curator.routes.ui import STYLES
from tests.checkout import ROOT
from tests.serving import RunningServer

SHEETS = {
    "all.css": '/* All. */\n@import "base.css";\n@import "parts/all.css";\na { top: 3px; }\n',
    "base.css": "a { top: 0; }\n",
    "parts/all.css": '@import "./one.css";\n@import "../two.css";\n',
    "parts/one.css": "@media (hover: none) {\n  a { top: 1px; }\n}\n",
    "two.css": "a { top: 2px; }\n",
}


def write(folder: Path, sheets: dict[str, str]) -> None:
    for name, text in sheets.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_each_stands_where_it_is_imported(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    imported = [SHEETS[name] for name in ("base.css", "parts/one.css", "two.css")]
    whole = "/* All. */\n" + "".join(imported) + "a { top: 3px; }\n"
    assert joined_styles(tmp_path, "all.css") == whole


def test_who_changes_a_sheet_has_it_with_the_next_request(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    assert "top: 2px" in joined_styles(tmp_path, "all.css")
    write(tmp_path, {"two.css": "a { top: 21px; }\n"})
    assert "top: 21px" in joined_styles(tmp_path, "all.css")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@import url(one.css);\n", "two.css: @import url(one.css);"),
        ('@import "one.css" print;\n', 'two.css: @import "one.css" print;'),
        ('@charset "utf-8";\n', 'two.css: @charset "utf-8";'),
        ("a { top: 2px;\n", "two.css breaks off"),
        ("a { top: 2px; } /* and\n", "two.css breaks off"),
        ('@import "all.css";\n', "all.css imports itself, by way of two.css"),
    ],
)
def test_what_would_mean_something_else_is_told_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    write(tmp_path, {"all.css": '@import "two.css";\n', "two.css": text})
    with pytest.raises(UnknownForm) as told:
        joined_styles(tmp_path, "all.css")
    assert str(told.value) == said


def test_one_sheet_has_every_style_of_the_panel(tmp_path: Path) -> None:
    folder = ROOT / "web" / "ui"
    with RunningServer(tmp_path) as server:
        answer = server.get(f"/ui/{STYLES}")
        assert answer.headers["Content-Type"].startswith("text/css")
        assert answer.text == joined_styles(folder, STYLES)
        # The page around the panel has a sheet of its own.
        for path in set(folder.rglob("*.css")) - {folder / STYLES, folder / "page.css"}:
            assert path.read_text("utf-8") in answer.text, path
            name = path.relative_to(folder).as_posix()
            assert server.get(f"/ui/{name}").content == path.read_bytes()


def test_what_cannot_be_put_together_comes_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "ui", {STYLES: '@import "two.css";\n', "two.css": "a { top: 2px;\n"})
    monkeypatch.setattr("comfyui_curator.routes.ui._FOLDER", tmp_path / "ui")
    with RunningServer(tmp_path / "root") as server:
        assert server.get(f"/ui/{STYLES}").text == '@import "two.css";\n'
        assert server.get("/ui/two.css").text == "a { top: 2px;\n"
    assert "one by one: two.css breaks off" in caplog.text
