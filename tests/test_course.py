"""The course: numbers come from runs, every check passes and fails, a broken file says where."""

from __future__ import annotations

import itertools
import re
from functools import cache

import pytest

from app import lesson_pictures
from dgflow_core.errors import UserError
from dgflow_core.lessons import mathematics
from dgflow_core.lessons.conditions import NUMBER, Condition, told, written
from dgflow_core.lessons.course import OURS, course
from dgflow_core.lessons.lesson import Lesson, Picture
from dgflow_core.lessons.measures import Measured
from dgflow_core.lessons.reading import WORDS, read
from tests.conftest import REPO

LESSONS = course().lessons
#: Where the controls of each goal must stand for it to be reached.
REACHED = {
    "01_logit": (2,),
    "02_arrows": (3,),
    "03_weights": (4,),
    "04_noise": (3,),
    "05_stale": (1,),
    "06_codes": (1, 2),
    "07_relatives": (1,),
    "08_borrowed": (1, 1),
    "09_limits": (1, 1),
}
#: The answer that each prediction turns out to have, from 1.
RIGHT = {
    "01_logit": 3,
    "02_arrows": 3,
    "03_weights": 1,
    "04_noise": 2,
    "05_stale": 3,
    "06_codes": 3,
    "07_relatives": 3,
    "08_borrowed": 3,
    "09_limits": 3,
}


@cache
def measured(slug: str, *chosen: int) -> Measured:
    """What the picture of a lesson measures; of its goal, where the places of its controls are given."""
    lesson = LESSONS[slug]
    picture = lesson.tried.changed(lesson.attempt.controls, chosen) if chosen else lesson.picture
    return lesson_pictures.compute(picture).measured


def every(function):
    return pytest.mark.parametrize("slug", LESSONS)(function)


def test_the_course_is_whole():
    assert list(LESSONS) == list(REACHED)
    assert not course().broken


@every
def test_the_story_is_short_and_its_texts_hold_no_number_that_is_not_its_pictures(slug):
    lesson = LESSONS[slug]
    assert len(lesson.story.split()) <= WORDS
    for text in (
        lesson.story,
        lesson.reveal,
        lesson.take,
        lesson.ask.question,
        lesson.attempt.goal,
        lesson.after.answer,
    ):
        rest = re.sub(r"\$[^$]*\$|√\(2ηγ\)|1 −|= 1:", "", NUMBER.sub("", text))
        for found in re.findall(r"\d+(?:\.\d+)?", rest):
            assert said(lesson, found), (text, found)


def said(lesson: Lesson, number: str) -> bool:
    """Whether a number in words is one that the lesson declares: of its runs, its controls or its check."""
    declared = [
        value for picture in (lesson.picture, lesson.tried) for run in picture.runs for value in run.values()
    ]
    declared += [value for control in lesson.attempt.controls for value in control.values]
    conditions = [lesson.attempt.check, *(option.when for option in lesson.ask.options)]
    declared += [
        float(found) for text in conditions for found in re.findall(r"\d+(?:\.\d+)?", NUMBER.sub("", text))
    ]
    numbers = {float(value) for value in declared if isinstance(value, int | float)}
    shares = {round(100 * abs(1 - value), 6) for value in numbers if 0.5 < value < 2}  # "by 5 %" is × 0.95
    return float(number) in numbers | shares


@pytest.mark.slow
@every
def test_one_answer_is_right_and_it_is_measured(slug):
    seen = measured(slug)
    right = [
        number
        for number, option in enumerate(LESSONS[slug].ask.options, 1)
        if Condition(option.when).holds(seen)
    ]
    assert right == [RIGHT[slug]]


@every
def test_every_number_of_the_reveal_is_told(slug):
    lesson = LESSONS[slug]
    words = told(f"{lesson.reveal} {lesson.after.answer}", measured(slug))
    assert "{" not in re.sub(r"\$[^$]*\$", "", words)
    assert "nan" not in words


@pytest.mark.slow
@every
def test_the_check_can_be_passed_and_failed(slug):
    attempt, check = LESSONS[slug].attempt, Condition(LESSONS[slug].attempt.check)
    assert not check.holds(measured(slug, *attempt.start))
    assert check.holds(measured(slug, *REACHED[slug]))
    assert "{" not in told(attempt.tell, measured(slug, *REACHED[slug]))


@every
def test_every_control_changes_the_picture(slug):
    lesson = LESSONS[slug]
    places = [range(len(control.values)) for control in lesson.attempt.controls]
    pictures = [lesson.tried.changed(lesson.attempt.controls, at) for at in itertools.product(*places)]
    assert len({picture.model_dump_json() for picture in pictures}) == len(pictures)


@every
def test_the_mathematics_shows_the_code_that_runs(slug):
    pieces = mathematics.pieces(LESSONS[slug].mathematics)
    assert any(piece.kind == "code" for piece in pieces) or slug == "09_limits"
    for piece in pieces:
        if piece.kind == "code":
            assert "def " in mathematics.source(piece.text)
            assert re.search(r"\.py, line \d+$", mathematics.place(piece.text))


def test_the_width_of_modes_is_that_of_points_drawn_with_it():
    import numpy as np
    import torch

    import dgflow_core as dg

    target, draw = dg.datasets["25gaussians"], np.random.default_rng(0)
    modes = np.asarray(target.modes)[draw.integers(0, 25, 4000)]
    points = torch.from_numpy((modes + 0.7 * target.std * draw.standard_normal((4000, 2))).astype(np.float32))
    run = dg.Trajectory(points[None], points[None], torch.zeros(1, 4000), {"space": "data"})
    seen = Measured(Picture(), [run])
    condition = Condition("0.68 < {Width of modes @ last} < 0.72")
    assert condition.holds(seen)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("{a @ last} > 1", True),
        ("1 < {a @ 0} <= 2", True),
        ("{a @ last} - 2 * {a @ last} > 0", False),
        ("abs(-{a @ last}) >= 2 and {a @ last} / 2 < 2", True),
    ],
)
def test_a_condition_compares(text, holds):
    assert Condition(text).holds(lambda number: 2.0) is holds


@pytest.mark.parametrize(
    "text", ["{a @ last}", "1", "__import__('os')", "{a}", "{a @ last} > b", "[1] > 0", "{a @ last} == 1", ""]
)
def test_nothing_but_comparisons_is_a_condition(text):
    with pytest.raises(UserError):
        Condition(text)


def test_numbers_are_written_as_in_a_text():
    assert [written(value) for value in (0.0, -1.618, 99.97, 1.69e-7)] == ["0", "−1.62", "100", "1.69 · 10⁻⁷"]


# Lessons of one's own


GOOD = (OURS / "02_arrows.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DGFLOW_LESSONS", str(tmp_path))
    return tmp_path


def test_a_lesson_in_a_folder_of_ones_own_appears_and_changes(folder):
    file = folder / "50_mine.md"
    file.write_text(GOOD.replace("# Follow the arrows", "# Mine", 1), encoding="utf-8")
    assert list(course().lessons)[-1] == "50_mine"
    assert course().lessons["50_mine"].title == "Mine"
    import os

    file.write_text(GOOD.replace("# Follow the arrows", "# Mine, again", 1), encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert course().lessons["50_mine"].title == "Mine, again"


def test_a_lesson_comes_in_the_language_that_is_asked_for(folder):
    (folder / "02_arrows.de.md").write_text(
        GOOD.replace("# Follow the arrows", "# Den Pfeilen nach", 1), encoding="utf-8"
    )
    assert course("de").lessons["02_arrows"].title == "Den Pfeilen nach"
    assert course("en").lessons["02_arrows"].title == "Follow the arrows"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("eta = 0.3,", "eta = -1,", "eta must be a number from 1e-06 to 100, not -1"),
        ("eta = 0.3,", "etta = 0.3,", "etta is not a setting here"),
        ('model = "25gaussians/wgan-gp"', 'model = "mine/gan"', "model 'mine/gan' does not ship"),
        ('model = "25gaussians/wgan-gp"', "model = ", "Invalid value"),
        ("n = 1000", "n = 1000000", "n: Input should be less than or equal to 5000"),
        ("n = 1000", "particles = 1000", "particles: Extra inputs are not permitted"),
        ("steps {High quality @ last}", "steps {Low quality @ last}", "'Low quality' is not measured here"),
        ("ones {High quality @ last of run 2}", "ones {High quality @ last of run 4}", "there is no run 4"),
        ("{High quality @ last} >= 98", "{High quality @ last} = 98", "is not a condition"),
        ('name = "eta", values', 'name = "tau", values', "no run has a setting 'tau'"),
        ("values = [0.001,", "values = [-0.001,", "eta must be a number"),
        ("## What the code does", "{code dgflow_core.methods.dgflow:leap}\n## What", "is no function"),
        ("```ask", "```asks", "the block ```ask is missing"),
    ],
)  # fmt: skip
def test_a_broken_lesson_says_file_and_line(folder, old, new, words):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    (folder / "50_mine.md").write_text(text, encoding="utf-8")
    (sentence,) = course().broken
    assert words in sentence
    line = int(re.match(r"50_mine\.md, line (\d+): ", sentence)[1])
    where = next(at for at, row in enumerate(text.splitlines(), 1) if new.splitlines()[0] in row)
    assert line == where or "missing" in sentence, sentence
    assert "50_mine" not in course().lessons


def test_a_long_story_an_open_block_and_no_text_are_told(folder):
    for name, text, words in (
        (
            "a.md",
            GOOD.replace("If the logit", "word " * 121 + "If the logit", 1),
            "a.md, line 3: the story has",
        ),
        ("b.md", GOOD[: GOOD.index("[\n  { text")], "the block 'ask' has no end"),
        ("c.md", "", "c.md, line 1: the title"),
    ):
        file = folder / name
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=re.escape(words)):
            read(file)
    (folder / "d.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="must be text in UTF-8"):
        read(folder / "d.md")


def test_a_folder_that_is_none_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("DGFLOW_LESSONS", str(tmp_path / "nowhere"))
    assert "DGFLOW_LESSONS must name a folder" in course().broken[0]


def test_the_readme_tells_a_teacher_what_answers_each_question():
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    for number, lesson in enumerate(LESSONS.values(), 1):
        assert f"| {number} | {lesson.after.question} | " in readme
