"""Lessons to hand out: a page without a network whose pictures play, and that prints a lesson a sheet."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dgflow_core.cli import main
from dgflow_core.lessons.course import course
from dgflow_core.lessons.handout import html, markup
from tests.browser import launch


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two lessons of few particles, written as a page."""
    lessons = course().lessons
    few = [
        replace(lessons[slug], picture=lessons[slug].picture.model_copy(update={"n": n}))
        for slug, n in (("02_arrows", 40), ("09_limits", 40))
    ]
    file = tmp_path_factory.mktemp("handout") / "course.html"
    file.write_text(html(few), encoding="utf-8")
    return file


@pytest.mark.slow
def test_it_names_no_address_and_tells_what_its_own_runs_measure(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    answers = re.sub(r"<[^>]+>", "", text[text.index("Answers, as measured") :])
    assert re.search(r"With short steps [\d.]+ % of the points arrive", answers)
    assert "{" not in answers.split("<script")[0].partition("const ")[0]
    assert text.count("☐") == 6


@pytest.mark.browser
def test_it_plays_offline_and_prints_a_lesson_a_sheet(page):
    with launch() as browser:
        seen = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        faults: list[str] = []
        seen.on("pageerror", lambda error: faults.append(str(error)))
        seen.context.set_offline(True)
        seen.goto(page.as_uri())
        seen.locator(".live .stage[data-run-key]").first.wait_for()
        assert not seen.locator(".stills").first.is_visible()
        assert seen.evaluate("document.documentElement.scrollWidth <= innerWidth")
        printed = seen.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 3  # two lessons, the answers
        seen.emulate_media(media="print")
        assert seen.locator(".stills img").first.is_visible()
        assert not seen.locator(".live").first.is_visible()
        assert not faults


def test_markup_is_text_with_emphasis_and_nothing_else():
    assert markup("a *b* <i>\n\n**c**") == "<p>a <em>b</em> &lt;i&gt;</p><p><b>c</b></p>"


@pytest.mark.slow
def test_the_command_writes_it_and_names_what_is_wrong(tmp_path, capsys):
    assert main(["lessons", str(tmp_path / "a.html"), "--only", "99_none"]) != 0
    assert "only must be one of 01_logit" in capsys.readouterr().err
    assert main(["lessons", str(tmp_path / "no" / "a.html"), "--only", "07_relatives"]) != 0
    assert "could not be written" in capsys.readouterr().err
    assert main(["lessons", str(tmp_path / "a.html"), "--only", "07_relatives"]) == 0
    assert "Relatives" in (tmp_path / "a.html").read_text(encoding="utf-8")
