from __future__ import annotations

import numpy as np
import pytest

from pipelines.pigeon.evidence import gather
from pipelines.pigeon.people import DAY, DAYS, Described, history, make_like_minded, make_person, people, split_of

PICTURES = [
    Described(
        concept=f"thing{n % 60}",
        style=("flat", "glossy", "soft")[n % 3],
        colour=("red", "blue", "green")[n % 7 % 3],
        subject=("food", "animals")[n % 2],
    )
    for n in range(240)
]  # fmt: skip


def test_people_are_made_again_and_differ() -> None:
    assert make_person(3, PICTURES) == make_person(3, PICTURES) != make_person(4, PICTURES)
    assert {len(person.interests) for person in people("train", 40, PICTURES)} == {1, 2, 3, 4}


def test_train_and_test_have_nobody_and_nothing_in_common() -> None:
    seeds = {split: {person.seed for person in people(split, 50, PICTURES)} for split in ("train", "test")}
    assert not seeds["train"] & seeds["test"]
    splits = {split_of(f"concept{n}") for n in range(50)}
    assert splits == {"train", "test"} and split_of("1f436") == split_of("1f436")
    with pytest.raises(ValueError, match="valid"):
        people("valid", 1, PICTURES)


def test_likes_follow_interests() -> None:
    person = make_person(1, PICTURES)
    chances = np.array([person.likes(one) for one in PICTURES])
    events = history(person, PICTURES, 200, noisy=False)
    liked = [chances[event.picture] for event in events if event.reaction == "like" and event.at > 0.9 * DAYS * DAY]
    skipped = [chances[event.picture] for event in events if event.reaction == "skip" and event.at > 0.9 * DAYS * DAY]
    assert np.mean(liked or [1]) > np.mean(skipped or [0])


def test_noise_is_there_and_is_found() -> None:
    person = make_person(5, PICTURES)
    noisy = history(person, PICTURES, 200)
    assert len(noisy) > len(history(person, PICTURES, 200, noisy=False))
    dropped = gather(noisy, now=DAYS * DAY).dropped
    assert dropped.get("burst", 0) > 5 and dropped.get("accident", 0) > 0
    assert [event.at for event in noisy] == sorted(event.at for event in noisy)


def test_the_like_minded_agree_more_than_others_and_not_fully() -> None:
    agreed: dict[str, list[float]] = {"same": [], "like-minded": [], "other": []}
    for seed in range(20):
        person = make_person(seed, PICTURES)
        akin = make_like_minded(person, 100 + seed, PICTURES)
        assert akin == make_like_minded(person, 100 + seed, PICTURES) and akin.seed == 100 + seed
        assert [one.since for one in akin.interests] == [one.since for one in person.interests]
        for name, other in (("same", person), ("like-minded", akin), ("other", make_person(500 + seed, PICTURES))):
            apart = [abs(person.likes(one) - other.likes(one)) for one in PICTURES]
            agreed[name].append(1 - float(np.mean(apart)))
    means = {name: np.mean(values) for name, values in agreed.items()}
    assert means["same"] == 1 > means["like-minded"] > means["other"] + 0.05
