"""The Lessons page: predicted, revealed, tried; links, bad links, and lessons of one's own."""

from __future__ import annotations

import pytest

from dgflow_core.lessons.course import OURS
from tests.pages import visit

NOISE = "04_noise"


def words(test) -> str:
    rows = [*test.markdown, *test.success, *test.info, *test.warning]
    return "\n".join(row.value for row in rows)


def pressed(test, key: str):
    test.button(key=key).click().run()
    assert not test.exception
    assert not test.error
    return test


@pytest.mark.slow
def test_a_lesson_goes_from_the_guess_to_the_goal():
    test = visit("lessons", lesson=NOISE)
    assert test.button(key="lesson_on").disabled
    assert "To take home" not in words(test)
    test.radio(key="lessons.answer").set_value(2).run()
    pressed(test, "lesson_on")
    assert "As you predicted: Narrower" in words(test)
    assert "Without noise a mode ends 0.458 times" in words(test)
    pressed(test, "lesson_on")
    assert "Not yet." in words(test)
    test.select_slider(key="lessons.c1").set_value(3).run()
    assert "Reached. The modes are 0.949 times" in words(test)
    assert test.query_params == {"lesson": NOISE, "part": "2", "answer": "2", "c1": "3"}
    assert any("✓" in option for option in test.selectbox(key="lessons.lesson").options)
    pressed(test, "lesson_on")
    assert test.query_params == {"lesson": "05_stale"}


def test_a_wrong_guess_is_answered_by_the_measurement():
    test = visit("lessons", lesson=NOISE, part="1", answer="3")
    assert "Measured: Narrower" in words(test)


def test_another_lesson_begins_at_its_beginning():
    test = visit("lessons", lesson=NOISE, part="2", answer="2", c1="3")
    assert "Reached." in words(test)
    test.selectbox(key="lessons.lesson").set_value("02_arrows").run()
    assert test.query_params == {"lesson": "02_arrows"}
    assert test.radio(key="lessons.answer").value is None


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"lesson": "99_none"}, "lesson must be one of 01_logit"),
        ({"part": "7"}, "part must be a whole number from 0 to 2"),
        ({"answer": "<b>"}, "answer must be"),
        ({"c1": "1e9"}, "c1 must be"),
    ],
)
def test_a_bad_link_falls_back_with_one_sentence(query, sentence):
    test = visit("lessons", **query)
    assert sentence in test.warning[0].value
    assert not test.error


def test_a_control_beyond_its_values_is_its_last():
    assert "Not yet." in words(visit("lessons", lesson=NOISE, part="2", answer="1", c1="11"))


def test_a_lesson_of_ones_own_is_listed_and_a_broken_one_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("DGFLOW_LESSONS", str(tmp_path))
    good = (OURS / "02_arrows.md").read_text(encoding="utf-8")
    (tmp_path / "50_mine.md").write_text(good.replace("# Follow the arrows", "# Mine"), encoding="utf-8")
    (tmp_path / "60_broken.md").write_text(good.replace("eta = 0.3,", "eta = -1,"), encoding="utf-8")
    test = visit("lessons", lesson="50_mine")
    assert any("Mine" in option for option in test.selectbox(key="lessons.lesson").options)
    (sentence,) = [row.value for row in test.warning]
    assert "60\\_broken" in sentence or "60_broken" in sentence
    assert "line 16" in sentence
    assert not test.error


def test_home_offers_the_lessons_first():
    from app import navigation

    assert navigation.tour()[0].name == "lessons"


@pytest.mark.slow
def test_a_follower_is_where_the_lecturer_is(monkeypatch):
    from app import following
    from app.rooms import Rooms

    school = Rooms()
    monkeypatch.setattr(following, "rooms", lambda: school)
    room = school.open()
    school.show(room.code, room.key, {"lesson": NOISE, "part": "2", "c1": "3"})
    test = visit("lessons", room=room.code)
    assert "Reached. The modes are 0.949 times" in words(test)
    assert test.query_params == {"lesson": NOISE, "part": "2", "c1": "3", "room": room.code}
    school.show(room.code, room.key, {"lesson": NOISE})
    test.run()
    assert "Reached." not in words(test)
    test.radio(key="lessons.answer").set_value(2).run()
    assert school.counts(room.code, NOISE) == {2: 1}
    school.show(room.code, room.key, {"lesson": NOISE, "part": "1"})
    test.run()
    assert "As you predicted: Narrower" in words(test)
    test.toggle(key="lessons._follow").set_value(False).run()
    school.show(room.code, room.key, {"lesson": "02_arrows"})
    test.run()
    assert test.query_params["lesson"] == NOISE
    test.toggle(key="lessons._follow").set_value(True).run()
    assert test.query_params["lesson"] == "02_arrows"
    school.close(room.code, room.key)
    test.run()
    assert "The room has ended" in words(test)
    assert "room" not in test.query_params


@pytest.mark.slow
def test_a_wrong_code_is_refused_in_one_sentence():
    assert "no room with this code" in words(visit("lessons", room="ZZZZZZ"))
    assert "room must be a code of 6 letters" in words(visit("lessons", room="<b>"))


def test_the_lecturer_sees_counts_before_the_reveal(monkeypatch):
    from app import following
    from app.rooms import Rooms

    school = Rooms()
    monkeypatch.setattr(following, "rooms", lambda: school)
    test = visit("lessons", lesson=NOISE)
    pressed(test, "lessons._open")
    (code,) = school._rooms
    school.join(code, "phone", "x")
    school.answer(code, "phone", NOISE, 2)
    test.run()
    assert school.find(code).state == {"lesson": NOISE}
    assert any(code in row.value for row in test.markdown)
    pressed(test, "lessons._close")
    assert school.find(code) is None


def test_the_notes_follow_in_a_window_of_their_own(monkeypatch):
    from app import following
    from app.rooms import Rooms

    school = Rooms()
    monkeypatch.setattr(following, "rooms", lambda: school)
    room = school.open()
    school.show(room.code, room.key, {"lesson": NOISE})
    test = visit("lessons", room=room.code, notes="1")
    assert "human judge of single points" in words(test)
    assert "**Next:** Reveal" in words(test)
    assert not test.radio
    school.show(room.code, room.key, {"lesson": NOISE, "part": "2"})
    test.run()
    assert "Next lesson: A map that goes stale" in words(test)
    assert test.query_params["notes"] == "1"


def test_a_lecturer_reveals_without_a_guess(monkeypatch):
    from app import following
    from app.rooms import Rooms

    school = Rooms()
    monkeypatch.setattr(following, "rooms", lambda: school)
    test = visit("lessons", lesson=NOISE)
    assert test.button(key="lesson_on").disabled
    pressed(test, "lessons._open")
    pressed(test, "lesson_on")
    assert "Without noise a mode ends" in words(test)
    (code,) = school._rooms
    assert school.find(code).state == {"lesson": NOISE, "part": "1"}
