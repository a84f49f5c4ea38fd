"""Live samples in real Chromium, from a file on disk: no server, nothing asked of any network."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

import dgflow_core as dg
from dgflow_core.pictures import samples_world
from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def chromium():
    with launch() as browser:
        yield browser


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = tmp_path_factory.mktemp("samples")
    for name in ("fashion_mnist/sndcgan-ns", "billion_words/wgan-gp"):
        path = made / f"{dg.load(name).kind}.html"
        path.write_text(samples_world.html(dg.load(name, device="cpu"), n=4), encoding="utf-8")
    return made


def opened(browser, files, kind: str, prepare: str = "") -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: one.url.startswith("http") and said.append(one.url))
    if prepare:
        page.add_init_script(prepare)
    page.goto((files / f"{kind}.html").as_uri())
    return page, said


def step(page: Page) -> int:
    return int(page.locator(".samples").get_attribute("data-step"))


@pytest.fixture(scope="module", params=["image", "text"])
def live(request, chromium, files):
    page, said = opened(chromium, files, request.param)
    expect(page.locator(".samples")).to_have_attribute("data-state", "ready")
    page.wait_for_function("() => Number(document.querySelector('.samples').dataset.step) >= 5")
    yield page
    assert not said
    page.close()


def test_it_flows_by_itself_and_the_logit_rises(live):
    root = live.locator(".samples")
    assert root.get_attribute("data-playing") == "true"
    assert root.get_attribute("data-n") == "4"
    first = live.evaluate(
        "() => { const h = __dgflow.samples.samples.history; return h[0].reduce((a, b) => a + b) / 4; }"
    )
    live.wait_for_function(f"() => Number(document.querySelector('.samples').dataset.logit) > {first + 0.1}")


def test_a_setting_acts_in_the_next_step(live):
    live.locator("[data-setting=eta]").fill("0.4")
    live.wait_for_function("() => document.querySelector('.samples').dataset.lag === '1'")
    live.get_by_role("radio", name="DOT").click()
    assert "Adam" in live.locator(".rule").inner_text()
    before = step(live)
    live.wait_for_function(f"() => Number(document.querySelector('.samples').dataset.step) > {before + 2}")
    live.get_by_role("radio", name="DGflow").click()


def test_one_that_is_locked_stays_and_one_taken_back_is_at_its_start(live):
    root = live.locator(".samples")
    live.get_by_label("Pause").click()
    if live.locator("canvas.grid").is_visible():
        live.locator("canvas.grid").click(position={"x": 30, "y": 30})
    else:
        live.locator(".list .row").first.click()
    assert root.get_attribute("data-selected") == "0"
    live.get_by_role("button", name="Lock").click()
    expect(root).to_have_attribute("data-held", "0")
    logits = "() => [...__dgflow.samples.samples.frame.logits]"
    before, at = live.evaluate(logits), step(live)
    live.get_by_label("One step (→)").click()
    live.wait_for_function(f"() => Number(document.querySelector('.samples').dataset.step) === {at + 1}")
    after = live.evaluate(logits)
    assert after[0] == pytest.approx(before[0], abs=1e-4)
    assert all(abs(a - b) > 1e-4 for a, b in zip(after[1:], before[1:], strict=True))
    live.get_by_role("button", name="Back to its start").click()
    away = "one.frame.logits[0] - one.start.logits[0]"
    live.wait_for_function(
        f"() => {{ const one = __dgflow.samples.samples; return Math.abs({away}) < 1e-3; }}"
    )
    live.get_by_role("button", name="Locked").click()
    live.get_by_label("Play").click()


def test_a_browser_without_vectors_is_told_so(chromium, files):
    page, said = opened(chromium, files, "text", "WebAssembly.validate = () => false")
    expect(page.locator(".samples .words")).to_contain_text("no WebAssembly with vectors")
    assert not said
    page.close()
