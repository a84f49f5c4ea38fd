"""Node.js, for what of the browser's half needs no browser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.tools import program

JS = Path(__file__).parent / "js"


def node() -> str:
    """The path of Node."""
    return program("Node.js", "nodejs", "node", "nodejs")


def ask(script: Path, question: Any) -> Any:
    """What ``script`` answers (JSON on its standard output) to ``question`` (JSON on its standard input)."""
    done = subprocess.run(
        [node(), str(script)], input=json.dumps(question), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def evaluate(script: str) -> Any:
    """What the JavaScript module ``script`` prints, as JSON."""
    done = subprocess.run(
        [node(), "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
