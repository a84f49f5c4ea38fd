"""The app as a process of its own, to be measured from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dgflow_core import places
from dgflow_core.errors import UserError

#: How long the app may take to start, in seconds.
START = 60


class Server(NamedTuple):
    """A running app: its ``address``, and its process."""

    address: str
    process: subprocess.Popen

    def memory(self, name: str = "VmRSS") -> float:
        """MB of memory that it holds now; the most so far with the name "VmHWM"."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name))

    def seconds(self) -> float:
        """Seconds of the processor that it took so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def app(settings: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> Iterator[Server]:
    """The app on a free port, until the end of the ``with``.

    Args:
        settings: environment variables beside this process's own. options: of ``streamlit run``.

    Raises:
        UserError: it did not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "app.serve",
        "--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port),
        "--server.fileWatcherType", "none", *options,
    ]  # fmt: skip
    base = f"/{options[1]}" if options[:1] == ["--server.baseUrlPath"] else ""
    process = subprocess.Popen(
        command, cwd=places.HOME, env={**os.environ, **(settings or {})},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}{base}", process)
    try:
        await_health(server)
        yield server
    finally:
        process.kill()  # a polite stop would wait for open pages
        process.wait(10)


def await_health(server: Server) -> None:
    """Wait until a server answers.

    Raises:
        UserError: it did not start.
    """
    began = time.monotonic()
    while not _healthy(server.address):
        if server.process.poll() is not None or time.monotonic() - began > START:
            raise UserError("bench: the app did not start here; make app says why.")
        time.sleep(0.25)


def _healthy(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).status == 200
    except OSError:
        return False
