"""The real app in real Chromium: what every browser test shares."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.tools import program

ROOT = Path(__file__).parent.parent
#: The longest that anything may take, in milliseconds: a busy machine is slow, not wrong.
WAIT = 150_000
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium() -> str:
    """The path of Chromium."""
    return program("Chromium", "chromium", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def launch() -> Iterator[Browser]:
    path = chromium()
    expect.set_options(timeout=WAIT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve(script: Path = ROOT / "streamlit_app.py", options: Sequence[str] = ()) -> Iterator[str]:
    """Serve a Streamlit script on a free port; yields its address, without any base path in ``options``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true",
        "--server.address", "127.0.0.1", "--server.port", str(port), "--server.fileWatcherType", "none",
        *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    base = f"/{options[1]}" if "--server.baseUrlPath" in options else ""
    try:
        for _ in range(240):
            if process.poll() is not None:
                raise RuntimeError("The app stopped while starting.")
            try:
                urllib.request.urlopen(f"{address}{base}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        else:
            raise RuntimeError("The app did not start within a minute.")
        yield address
    finally:
        process.kill()  # a polite stop would wait for open pages
        process.wait()


@contextmanager
def opened(address: str, path: str, timeout: float = WAIT) -> Iterator[Page]:
    """A page of the app at ``address``, in a window of a laptop's size."""
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(timeout)
        page.goto(f"{address}/{path}")
        yield page
