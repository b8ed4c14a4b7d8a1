from __future__ import annotations

import pytest

from studio.errors import NotFound
from studio.studio import Studio


def test_eight_picks_and_something_is_known(studio: Studio) -> None:
    studio.tastes.create("Nik")
    shown = set()
    for number in range(8):
        pair = studio.taste_picks.next("Nik")
        assert pair.made == number and pair.one != pair.other
        assert not {pair.one, pair.other} & shown  # nothing is asked twice while there is something else
        shown |= {pair.one, pair.other}
        assert studio.taste_picks.pick("Nik", pair.one, pair.other) == number + 1
    profile = studio.tastes.learn("Nik").result(60)
    assert profile.version.summary.liked == 8
    studio.tastes.judge("Nik")


def test_a_pick_is_taken_back_as_a_whole(studio: Studio) -> None:
    studio.tastes.create("Nik")
    studio.taste_picks.pick("Nik", 0, 1)
    file = studio.tastes.events("Nik")[0].file
    studio.tastes.take_back("Nik", file)
    assert not studio.tastes.events("Nik") and not studio.files.exists(file)


def test_before_there_is_a_profile_and_what_is_not_there(studio: Studio) -> None:
    assert studio.taste_picks.next(None).made == 0
    with pytest.raises(NotFound, match="no picture 999"):
        studio.taste_picks.sample(999)
    with pytest.raises(NotFound, match="no taste"):
        studio.taste_picks.next("nobody")
