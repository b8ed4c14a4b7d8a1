from __future__ import annotations

import math

import pytest

from studio.domain.generation import (
    COUNT_MAX,
    PROMPT_MAX,
    SEED_MAX,
    STEPS_MAX,
    GenerateRequest,
    Pose,
    check_palette,
    check_together,
)
from studio.errors import InvalidInput


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"prompt": ""}, "empty"),
        ({"prompt": " \n\t "}, "empty"),
        ({"prompt": "x" * 10_000}, "10000 characters"),
        ({"count": 0}, "count is 0"),
        ({"count": COUNT_MAX + 1}, f"count is {COUNT_MAX + 1}"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": SEED_MAX + 1}, "seed"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": STEPS_MAX + 1}, "steps"),
        ({"guidance": 0.5}, "guidance is 0.5"),
        ({"guidance": math.nan}, "guidance is nan"),
        ({"fidelity": 1.1}, "fidelity is 1.1"),
        ({"fidelity": math.inf}, "fidelity is inf"),
        ({"pose": "asleep"}, "pose is 'asleep'; photo, drawn, both are possible"),
        ({"pose": ""}, "pose is ''"),
        ({"pose": None}, "pose is None"),
    ],
)
def test_a_request_out_of_bounds_names_the_value(values: dict[str, float | str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        GenerateRequest(**{"prompt": "a dog", **values})  # type: ignore[arg-type]


def test_the_bounds_themselves_are_taken() -> None:
    request = GenerateRequest(
        prompt=f"  {'x' * PROMPT_MAX} ", count=COUNT_MAX, seed=SEED_MAX, steps=STEPS_MAX, guidance=1, fidelity=0
    )
    assert len(request.prompt) == PROMPT_MAX


@pytest.mark.parametrize("pose", Pose)
def test_a_pose_is_taken_by_its_value_too(pose: Pose) -> None:
    request = GenerateRequest(prompt="a dog", pose=str(pose.value))
    assert request.pose is pose
    assert request == GenerateRequest(prompt="a dog", pose=pose)


def test_things_are_drawn_both_ways_unless_one_is_asked_for() -> None:
    assert GenerateRequest(prompt="a dog").pose is Pose.BOTH


def test_the_seed_decides_where_both_poses_are_wanted() -> None:
    seeds = (0, 1, 2, 3, SEED_MAX)
    photo, drawn = Pose.PHOTO, Pose.DRAWN
    assert [Pose.BOTH.of(seed) for seed in seeds] == [photo, drawn, photo, drawn, drawn]
    assert {Pose.PHOTO.of(seed) for seed in seeds} == {photo}
    assert {Pose.DRAWN.of(seed) for seed in seeds} == {drawn}


def test_a_picture_holds_at_most_three_things() -> None:
    check_together(["bo", "ana", "mug"])
    with pytest.raises(InvalidInput, match="@bo, @ana, @mug, @hat are 4 of your things; at most 3"):
        check_together(["bo", "ana", "mug", "hat"])


def test_a_palette_is_colours() -> None:
    assert GenerateRequest(prompt="a fox", palette="#AA3311, #ffd166").palette == ("#aa3311", "#ffd166")  # type: ignore[arg-type]
    assert GenerateRequest(prompt="a fox", palette=["#aa3311"]).palette == ("#aa3311",)  # type: ignore[arg-type]
    assert GenerateRequest(prompt="a fox").palette == check_palette(" ") == ()
    for wrong in ("red", "#12345", "#aa3311 x"):
        with pytest.raises(InvalidInput, match="is no colour"):
            check_palette(wrong)
    with pytest.raises(InvalidInput, match="has 5 colours"):
        check_palette("#111111 " * 5)
