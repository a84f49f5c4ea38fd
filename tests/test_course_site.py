"""A site without a server: written, served by Python's own server, with every other address blocked."""

from __future__ import annotations

import functools
import http.server
import re
import threading

import pytest
from playwright.sync_api import expect

from dgflow_core import cli, course_site
from tests.browser import launch

MODELS = ["moons/wgan-gp", "fashion_mnist/sndcgan-ns", "billion_words/wgan-gp"]
PAGES = {
    "live-moons-wgan-gp.html": ".stage.live[data-fps]",
    "live-fashion_mnist-sndcgan-ns.html?n=4": ".samples[data-state=ready][data-step]",
    "live-billion_words-wgan-gp.html?n=4": ".samples[data-state=ready][data-step]",
    "run-moons-wgan-gp.html": ".stage[data-run-key]",
    "run-fashion_mnist-sndcgan-ns.html": ".wall[data-run-key]",
    "run-billion_words-wgan-gp.html": ".reader[data-run-key]",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course_site, "SIZE", 65)
        patch.setattr(course_site, "FIRST", 33)
        patch.setattr(course_site, "RECORDED", {"2d": 20, "image": 2, "text": 2})
        assert not cli.main(["site", str(out), "--no-lessons", "--models", *MODELS])
    return out


@pytest.mark.slow
def test_no_page_names_an_outside_address(site):
    for file in site.iterdir():
        found = set(re.findall(r"https?://[\w.-]+", file.read_text(encoding="utf-8")))
        assert found <= {"http://www.w3.org"}, file.name


@pytest.mark.slow
def test_the_index_leads_to_every_page(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    linked = set(re.findall(r'href="([^"]+)"', index))
    assert linked == {file.name for file in site.glob("*.html")} - {"index.html"}


def test_what_is_wrong_is_one_sentence(tmp_path, capsys):
    file = tmp_path / "there"
    file.write_text("")
    assert cli.main(["site", str(file)]) == cli.WRONG
    assert cli.main(["site", str(tmp_path / "out"), "--models", "no/model"]) == cli.WRONG
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "must be a folder" in said[0]
    assert "no/model" in said[1]


@pytest.fixture(scope="module")
def shown(site):
    """Opens a page of the served site; returns it, and what it asked of anybody else."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, launch() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"

        def show(path: str):
            page, strangers = browser.new_page(viewport={"width": 1366, "height": 768}), []

            def decide(route) -> None:
                if route.request.url.startswith(address):
                    return route.continue_()
                strangers.append(route.request.url)
                return route.abort()

            page.route(re.compile(r"^https?://"), decide)
            page.on("pageerror", lambda error: strangers.append(str(error)))
            page.goto(address + path)
            return page, strangers

        yield show
        server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_every_page_works_with_the_network_off(path, shown):
    page, strangers = shown(path)
    page.locator(PAGES[path]).first.wait_for()
    page.get_by_role("link", name="Everything here").wait_for()
    assert not strangers
    page.close()


@pytest.mark.browser
def test_the_first_picture_of_the_plane_comes_before_the_rest(shown, site):
    page, strangers = shown("live-moons-wgan-gp.html?method=dot&space=latent&eta=0.02")
    page.locator(".stage.live[data-fps]").wait_for()
    expect(page.get_by_role("radio", name="Latent")).to_have_attribute("aria-checked", "true")  # came later
    assert page.locator("[data-setting=eta]").get_attribute("aria-valuetext") == "0.02"
    assert (site / "live-moons-wgan-gp.js").is_file()
    assert not strangers
    page.close()


@pytest.mark.slow
def test_the_first_picture_is_small():
    """As the site has it: 129 nodes a side."""
    from dgflow_core.zoo import shelf

    _, files = course_site._live(shelf.load("25gaussians/wgan-gp", "cpu"))
    assert len(files["live-25gaussians-wgan-gp.html"]) <= 300_000
