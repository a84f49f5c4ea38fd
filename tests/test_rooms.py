"""Rooms of a class: shown to those inside and nobody else, bounded, and closed to those who guess."""

from __future__ import annotations

import pytest

from app import rooms
from app.rooms import Rooms
from dgflow_core.errors import UserError


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def school(clock, told) -> Rooms:
    return Rooms(told.append, clock=clock)


def test_what_is_shown_is_seen_inside_and_nowhere_else(school, told):
    here, there = school.open(), school.open()
    school.join(here.code, "a", "x")
    school.join(there.code, "b", "x")
    school.show(here.code, here.key, {"lesson": "02_arrows"})
    assert told == [["a"]]
    assert school.join(here.code, "a", "x").state == {"lesson": "02_arrows"}
    assert school.join(there.code, "b", "x").state == {}
    school.answer(here.code, "a", "02_arrows", 2)
    school.answer(there.code, "a", "02_arrows", 1)  # not in that room
    assert school.counts(here.code, "02_arrows") == {2: 1}
    assert not school.counts(there.code, "02_arrows")


def test_only_the_key_of_a_room_shows_and_closes(school, told):
    here, there = school.open(), school.open()
    school.join(here.code, "a", "x")
    school.show(here.code, there.key, {"lesson": "02_arrows"})
    school.close(here.code, there.key)
    assert school.find(here.code).state == {}
    assert told == []
    school.close(here.code, here.key)
    assert school.find(here.code) is None
    assert told == [["a"]]


def test_nothing_is_told_where_nothing_changed(school, told):
    room = school.open()
    school.show(room.code, room.key, {"part": "1"})
    school.show(room.code, room.key, {"part": "1"})
    assert room.version == 1
    assert len(told) == 1


def test_a_second_answer_replaces_the_first(school):
    room = school.open()
    school.join(room.code, "a", "x")
    for number in (1, 3):
        school.answer(room.code, "a", "02_arrows", number)
    assert school.counts(room.code, "02_arrows") == {3: 1}


def test_wrong_codes_are_refused_and_a_flood_of_them_too(school, clock):
    room = school.open()
    for _ in range(rooms.WRONG):
        with pytest.raises(UserError, match="no room with this code"):
            school.join("AAAAAA" if room.code != "AAAAAA" else "BBBBBB", "a", "x")
    with pytest.raises(UserError, match="Too many wrong codes"):
        school.join(room.code, "a", "x")
    assert school.join(room.code, "b", "elsewhere") is room
    clock.now += rooms.WITHIN + 1
    assert school.join(room.code, "a", "x") is room


def test_addresses_of_guesses_are_bounded(school):
    for number in range(rooms.ADDRESSES + 50):
        with pytest.raises(UserError):
            school.join("AAAAAA", "a", str(number))
    assert len(school._wrong) <= rooms.ADDRESSES


def test_rooms_and_followers_are_bounded(school):
    opened = [school.open() for _ in range(rooms.ROOMS)]
    with pytest.raises(UserError, match="all are in use"):
        school.open()
    for number in range(rooms.FOLLOWERS):
        school.join(opened[0].code, str(number), "x")
    with pytest.raises(UserError, match="This room is full"):
        school.join(opened[0].code, "one more", "x")
    assert school.join(opened[0].code, "7", "x") is opened[0]  # inside already
    school.alive = lambda follower: follower != "3"
    assert school.join(opened[0].code, "one more", "x") is opened[0]
    assert school.many(opened[0].code) == rooms.FOLLOWERS


def test_a_room_that_nobody_uses_ends(school, clock):
    room = school.open()
    clock.now += rooms.UNUSED - 1
    school.show(room.code, room.key, {"part": "1"})
    clock.now += rooms.UNUSED - 1
    assert school.find(room.code) is room
    clock.now += rooms.UNUSED + 1
    assert school.find(room.code) is None


def test_codes_are_six_letters_that_are_read_aloud(school):
    code = school.open().code
    assert len(code) == 6
    assert not set(code) & set("IO0123456789")
    assert school.join(f" {code.lower()} ", "a", "x").code == code
