"""Programs that tests need and a machine may lack."""

from __future__ import annotations

import os
import shutil

import pytest


def program(title: str, package: str, *names: str) -> str:
    """The path of the first of ``names``; without any the test is skipped, or fails where CI requires it."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        reason = f"{title} is not installed (Debian: apt-get install {package})"
        if os.environ.get("DGFLOW_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
