"""The browser's half without a browser: its own tests in Node, and the bundler that joins its files."""

from __future__ import annotations

import re
import subprocess

import pytest

from dgflow_core.pictures import browser_bundle
from dgflow_core.places import ASSETS
from tests import node

COMPONENTS = ("player", "live", "samples", "wall", "reader", "brush")


def test_the_kits_own_tests_pass_in_node():
    done = subprocess.run(
        [node.node(), "--test", str(node.JS)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"# pass (\d+)", done.stdout)[1]) > 10


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_one_module_that_imports_nothing(name, tmp_path):
    text = browser_bundle.script(name)
    assert text == browser_bundle.script(name)
    assert len(re.findall(r"^export\b", text, re.MULTILINE)) == 1
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert "://" not in text.replace(
        "http://www.w3.org/2000/svg", ""
    )  # the name of a namespace, never fetched
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert unsafe not in text
    module = tmp_path / "component.mjs"
    module.write_text(text, encoding="utf-8")
    script = f"const m = await import({str(module)!r}); console.log(JSON.stringify(typeof m.default));"
    assert node.evaluate(script) == "function"


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_style_sheet_imports_nothing_and_says_each_rule_once(name):
    text = browser_bundle.style(name)
    assert "@import" not in text
    assert text.count("--paper: var(") == 1
    assert text.count("\n.slider::-webkit-slider-thumb") == 1


def test_modules_run_in_the_order_of_need_and_keep_their_names(tmp_path):
    (tmp_path / "a.js").write_text('export const name = "a";\nexport function say() { return name; }\n')
    (tmp_path / "b.js").write_text(
        'import { say as told } from "./a.js";\nconst name = "b";\n'
        "export class B { both() { return told() + name; } }\n"
    )
    (tmp_path / "c.js").write_text(
        'import * as a from "./a.js";\nimport { B } from "./b.js";\nimport "./d.js";\n'
        "export default () => new B().both() + a.name + globalThis.d;\n"
    )
    (tmp_path / "d.js").write_text("globalThis.d = typeof exports;\n")
    (tmp_path / "out.mjs").write_text(browser_bundle.bundle(tmp_path / "c.js"))
    script = (
        f"const m = await import({str(tmp_path / 'out.mjs')!r}); console.log(JSON.stringify(m.default()));"
    )
    assert node.evaluate(script) == "abaundefined"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}, "imports itself"),
        ({"a": 'import b from "./b.js";\n', "b": ""}, "does not know"),
        ({"a": 'export * from "./b.js";\n', "b": ""}, "does not know"),
    ],
)
def test_what_the_bundler_cannot_join_it_says(files, said, tmp_path):
    for name, text in files.items():
        (tmp_path / f"{name}.js").write_text(text)
    with pytest.raises(ValueError, match=said):
        browser_bundle.bundle(tmp_path / "a.js")


def test_what_is_vendored_has_its_licence():
    for folder in (path for path in (ASSETS / "vendor").iterdir() if path.is_dir()):
        words = (folder / "LICENSE").read_text()
        assert "Permission to use, copy, modify" in words or "Permission is hereby granted" in words
        assert list(folder.glob("*.min.*js"))
