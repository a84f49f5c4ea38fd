"""A class that follows, over the app's websocket: all arrive, come back, and see no other room."""

from __future__ import annotations

import asyncio

import pytest

from app.phones import lecture

pytestmark = pytest.mark.timeout(300)


@pytest.mark.slow
def test_phones_follow_come_back_and_see_no_other_room(address):
    found = asyncio.run(lecture(address, phones=6, moves=5))
    assert found["arrived"] == found["expected"] == 30
    assert found["state"]["median"] < 3  # a busy machine is slow, not wrong
    assert found["back"]["most"] < 10
    assert found["strange"] == 0
    assert found["whole"] == 0  # a move makes the page of a lesson, and nothing of the frame around it
