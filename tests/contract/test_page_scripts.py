"""The page's modules as one script: it does what they do one by one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from comfyui_curator.routes.page_scripts import UnknownForm, joined
from comfyui_curator.routes.ui import ENTRIES
from tests import tools
from tests.checkout import ROOT
from tests.serving import RunningServer

MODULES = {
    "start.js": """
import { Lamp } from "./parts/lamp.js";
import {
  count,
  lit as isLit,
} from "./parts/count.js";

const name = "start";
const lamp = new Lamp();
console.log(name, await lamp.light(), isLit(lamp), count, lamp.place);
console.log(new URL("style.css", import.meta.url).href.split("/").at(-1));
export const started = true;
""",
    "parts/lamp.js": """
import { lit } from "./count.js";
import { where } from "../where.js";

const name = "lamp";
export class Lamp {
  place = where;
  async light() {
    return `${name} ${lit(this)}`;
  }
}
""",
    "parts/count.js": """
import { HALF, deep } from "../deep/half.js";

export const count = HALF * 2;
export function lit(lamp) {
  return Boolean(lamp) && deep();
}
console.log("once");
""",
    "deep/half.js": """
const HALF = 21;
const deep = () => true;
export { HALF, deep };
export async function never() {}
""",
    "where.js": """
const address = new URL("../beside", new URL("parts/", import.meta.url)).href;
export const where = address.split("/").at(-1);
""",
}


def write(folder: Path, modules: dict[str, str]) -> None:
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def said(script: Path) -> str:
    ran = subprocess.run([tools.node(), script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_joined_they_say_what_they_say_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": '{"type": "module"}', **MODULES})
    alone = said(tmp_path / "start.js")
    assert alone == "once\nstart lamp true true 42 beside\nstyle.css\n"
    (tmp_path / "start.js").write_text(joined(tmp_path, "start.js"), encoding="utf-8")
    for name in MODULES.keys() - {"start.js"}:
        (tmp_path / name).unlink()
    assert said(tmp_path / "start.js") == alone


def test_who_changes_a_module_has_it_with_the_next_request(tmp_path: Path) -> None:
    write(tmp_path, MODULES)
    assert "const HALF = 21;" in joined(tmp_path, "start.js")
    write(tmp_path, {"deep/half.js": MODULES["deep/half.js"].replace("21", "21.5")})
    assert "const HALF = 21.5;" in joined(tmp_path, "start.js")


@pytest.mark.parametrize(
    "line",
    [
        'import half from "./half.js";',
        'import * as half from "./half.js";',
        'import "./half.js";',
        'export * from "./half.js";',
        'export { HALF } from "./half.js";',
        "export default 1;",
        "export let changing = 1;",
    ],
)
def test_what_is_written_otherwise_is_told_with_its_place(tmp_path: Path, line: str) -> None:
    start = 'import { one } from "./parts/one.js";\n'
    write(tmp_path, {"start.js": start, "parts/one.js": f"{line}\nexport const one = 1;\n"})
    with pytest.raises(UnknownForm) as told:
        joined(tmp_path, "start.js")
    assert str(told.value) == f"parts/one.js: {line}"


def test_modules_that_need_each_other_are_told(tmp_path: Path) -> None:
    one = 'import { two } from "./two.js";\nexport const one = () => two;\n'
    two = 'import { one } from "./one.js";\nexport const two = () => one;\n'
    write(tmp_path, {"one.js": one, "two.js": two})
    with pytest.raises(UnknownForm, match=r"one\.js needs itself, by way of two\.js"):
        joined(tmp_path, "one.js")


def test_the_page_comfyuis_tab_and_the_worker_ask_for_one_script_each(tmp_path: Path) -> None:
    folder = ROOT / "web" / "ui"
    with RunningServer(tmp_path) as server:
        for name in ENTRIES:
            text = server.get(f"/ui/{name}").text
            assert text == joined(folder, name)
            assert not [line for line in text.splitlines() if line.startswith("import ")]
        assert "// gallery/gallery-screen.js\n" in server.get("/ui/app.js").text
        other = "gallery/gallery-screen.js"
        assert server.get(f"/ui/{other}").content == (folder / other).read_bytes()
