"""Several servers behind the proxy of ``examples/nginx.conf``: each person stays with one of them."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from app.visitors import Answer, Person
from dgflow_core.bench import server
from tests.browser import ROOT
from tests.tools import program

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """The example on free ports, before two servers; yields its address and the servers."""
    nginx, folder = (
        program("nginx", "nginx", "nginx", "/usr/sbin/nginx"),
        tmp_path_factory.mktemp("nginx"),
    )
    at_once = {"DGFLOW_PREPARE": "0"}
    with server.app(at_once) as first, server.app(at_once) as second, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        text = (ROOT / "examples" / "nginx.conf").read_text(encoding="utf-8")
        for said, given in (
            ("listen 8500", f"listen 127.0.0.1:{port}"),
            ("127.0.0.1:8501", first.address.removeprefix("http://")),
            ("127.0.0.1:8502", second.address.removeprefix("http://")),
            ("/tmp/", f"{folder}/"),
            ("worker_processes auto", "worker_processes 1"),
        ):
            assert said in text
            text = text.replace(said, given)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        process = subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf"])
        try:
            behind = server.Server(f"http://127.0.0.1:{port}", process)
            server.await_health(behind)
            yield behind, (first, second)
        finally:
            process.terminate()
            process.wait(10)


def get(address: str, **headers: str):
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10)


def cookie_of(address: str) -> str:
    """What somebody is given who comes for the first time."""
    return SimpleCookie(get(address).headers["Set-Cookie"])["dgflow"].value


def connected(port: int) -> set[str]:
    """Connections to a server on this machine that are open now, by where they come from."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}


def test_a_person_stays_with_one_server_and_people_are_shared(proxy):
    behind, servers = proxy
    ports = [int(one.address.rpartition(":")[2]) for one in servers]
    socket_address = behind.address.replace("http", "ws") + "/_stcore/stream"

    async def where(cookie: str) -> int:
        """The server that this person's connection leads to."""
        before = [connected(port) for port in ports]

        def new() -> list[set[str]]:  # others may end meanwhile
            return [connected(port) - held for port, held in zip(ports, before, strict=True)]

        async with connect(
            socket_address, subprotocols=["streamlit"], additional_headers={"Cookie": f"dgflow={cookie}"}
        ):
            for _ in range(500):
                if any(mine := new()):
                    break
                await asyncio.sleep(0.02)
        for _ in range(250):
            if not any(new()):
                break
            await asyncio.sleep(0.02)
        (found,) = [number for number, some in enumerate(mine) if some]
        return found

    first, until = [], time.monotonic() + 60
    while set(first) != {0, 1} and time.monotonic() < until:  # who once was slow is passed over for a while
        people = [cookie_of(behind.address) for _ in range(12)]
        assert len(set(people)) == len(people)
        first = [asyncio.run(where(cookie)) for cookie in people]
    assert set(first) == {0, 1}
    assert [asyncio.run(where(cookie)) for cookie in people] == first


def test_who_has_a_cookie_is_given_no_other(proxy):
    behind, _ = proxy
    assert "Set-Cookie" not in get(behind.address, Cookie=f"dgflow={cookie_of(behind.address)}").headers


def test_the_app_works_through_it(proxy):
    behind, _ = proxy

    async def visit() -> Answer:
        async with Person(behind.address, "flow", n="100", steps="3") as person:
            await person.ask()
            await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), time.perf_counter()), 120)
            await person.ask(0.05)
            return await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), time.perf_counter()), 120)

    answer = asyncio.run(visit())
    assert answer.problem == ""
    assert answer.picture is not None


def test_foreign_pages_may_neither_frame_nor_connect(proxy):
    behind, _ = proxy
    headers = get(behind.address).headers
    assert headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"

    async def from_origin(origin: str) -> None:
        async with connect(
            behind.address.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"],
            origin=origin,
        ):
            pass

    asyncio.run(from_origin(behind.address))
    with pytest.raises(Exception, match="HTTP 403"):
        asyncio.run(from_origin("http://evil.example"))


def test_the_frameworks_figures_are_not_passed_on(proxy):
    behind, _ = proxy
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{behind.address}/_stcore/metrics")


def test_uploads_are_as_large_as_the_app_allows():
    said = re.search(r"client_max_body_size (\d+)m", (ROOT / "examples" / "nginx.conf").read_text())[1]
    assert f"maxUploadSize = {said}\n" in (ROOT / ".streamlit" / "config.toml").read_text()
