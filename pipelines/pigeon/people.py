"""Synthetic people with tastes and noisy habits: who trains the prior and the history encoder, and who tests them.

A person is a mixture of one to four interests. An interest likes some of styles, main colours and subjects, each
with a weight; a picture is as welcome as the interest that it suits best. People see pictures in sessions over some
months and react: most likes are meant, some are slips (a short look), and now and then somebody else has the phone and
likes a run of pictures within seconds. The youngest interest of a person of several starts late, so that what is liked
now differs from what was liked always. Nothing here comes from real people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.pigeon.history import Event, Reaction

DAY = 86400.0
DAYS = 120.0  # of a history
_STEEPNESS, _THRESHOLD = 4.0, 1.15  # of the probability that a person likes what they see
_SLIPS = 0.06  # share of reactions that were not meant
_BURSTS = 2.5  # runs by somebody else in a whole history, on average
_SESSIONS = 24


@dataclass(frozen=True, kw_only=True)
class Described:
    """What is known of a picture of the corpus.

    Attributes:
        concept: what it shows; pictures of one concept never lie on both sides of a split.
        style: name of its drawing style.
        colour: name of its main colour.
        subject: group of its subject.
    """

    concept: str
    style: str
    colour: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class Interest:
    """One thing a person likes: weights in 0–1 for styles, colours, subjects; when it began (0–1 of the time)."""

    styles: dict[str, float]
    colours: dict[str, float]
    subjects: dict[str, float]
    share: float
    since: float = 0.0

    def suits(self, picture: Described) -> float:
        """Return how well a picture suits, 0 to about 2.2."""
        return (
            0.9 * self.styles.get(picture.style, 0.0)
            + 0.8 * self.colours.get(picture.colour, 0.0)
            + 0.5 * self.subjects.get(picture.subject, 0.0)
        )


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody of a seed; `interests` have shares that sum to 1."""

    seed: int
    interests: tuple[Interest, ...]

    def utility(self, picture: Described, moment: float = 1.0) -> float:
        """Return how welcome a picture is at a moment (0–1 of the time)."""
        begun = [interest for interest in self.interests if interest.since <= moment] or list(self.interests[:1])
        return max(interest.suits(picture) for interest in begun)

    def likes(self, picture: Described, moment: float = 1.0) -> float:
        """Return the probability that the person likes a picture, were nothing ever a slip."""
        return float(1 / (1 + np.exp(-_STEEPNESS * (self.utility(picture, moment) - _THRESHOLD))))


def make_person(seed: int, pictures: Sequence[Described]) -> Person:
    """Draw the person of a seed, with tastes for what the corpus holds."""
    numbers = np.random.default_rng([20261125, seed])
    count = int(numbers.choice([1, 2, 3, 4], p=[0.25, 0.35, 0.25, 0.15]))
    shares = np.sort(numbers.dirichlet(np.full(count, 2.0)))[::-1]
    styles, colours, subjects = (
        sorted({getattr(picture, kind) for picture in pictures}) for kind in ("style", "colour", "subject")
    )
    interests = []
    for place in range(count):
        young = count > 1 and place == count - 1
        interests.append(
            Interest(
                styles=_some(numbers, styles, (1, 3)),
                colours=_some(numbers, colours, (1, 4)),
                subjects=_some(numbers, subjects, (1, 4)),
                share=float(shares[place]),
                since=float(numbers.uniform(0.5, 0.85)) if young else 0.0,
            )
        )
    return Person(seed=seed, interests=tuple(interests))


def make_like_minded(person: Person, seed: int, pictures: Sequence[Described]) -> Person:
    """Draw somebody whose tastes are much like another's, and not the same.

    Interests begin when the other's do; how much each weighs, and every weight in it, is drawn anew, and of its styles,
    its colours or its subjects one is another.

    Args:
        person: whom they are like.
        seed: of their history, and of how they differ.
        pictures: see `make_person`.
    """
    numbers = np.random.default_rng([20261129, person.seed, seed])
    shares = np.sort(numbers.dirichlet(np.full(len(person.interests), 2.0)))[::-1]
    interests = tuple(
        _akin(interest, float(share), pictures, numbers)
        for interest, share in zip(person.interests, shares, strict=True)
    )
    return Person(seed=seed, interests=interests)


def _akin(interest: Interest, share: float, pictures: Sequence[Described], numbers: np.random.Generator) -> Interest:
    kinds = ("style", "colour", "subject")
    liked = {kind: sorted(getattr(interest, f"{kind}s")) for kind in kinds}
    changed = kinds[int(numbers.integers(len(kinds)))]
    others = sorted({getattr(picture, changed) for picture in pictures} - set(liked[changed]))
    if others:
        liked[changed][int(numbers.integers(len(liked[changed])))] = others[int(numbers.integers(len(others)))]
    styles, colours, subjects = ({name: float(numbers.uniform(0.7, 1.0)) for name in liked[kind]} for kind in kinds)
    return Interest(styles=styles, colours=colours, subjects=subjects, share=share, since=interest.since)


def _some(numbers: np.random.Generator, names: Sequence[str], bounds: tuple[int, int]) -> dict[str, float]:
    count = min(len(names), int(numbers.integers(bounds[0], bounds[1])))
    chosen = numbers.choice(len(names), count, replace=False)
    return {names[place]: float(numbers.uniform(0.7, 1.0)) for place in chosen}


def history(person: Person, pictures: Sequence[Described], events: int, *, noisy: bool = True) -> list[Event]:
    """Return what a person did with pictures they were shown, the oldest first.

    Args:
        person: who.
        pictures: what they may be shown; an event's `picture` is an index of it.
        events: about how many.
        noisy: whether there are slips and bursts.
    """
    numbers = np.random.default_rng([7, person.seed, events])
    starts = np.sort(numbers.uniform(0, DAYS * DAY, min(_SESSIONS, max(1, events // 4))))
    told: list[Event] = []
    for number, start in enumerate(starts):
        wanted = events // len(starts) + (number < events % len(starts))
        at = float(start)
        for picture in _shown(person, pictures, wanted, float(start) / (DAYS * DAY), numbers):
            look = float(numbers.lognormal(1.0, 0.5))
            at += look + float(numbers.uniform(0.5, 3.0))
            told.append(_reaction(person, picture, pictures[picture], at, look, (numbers, noisy)))
    if noisy:
        told += _bursts(len(pictures), events, numbers)
    return sorted(told, key=lambda event: event.at)


def _shown(
    person: Person, pictures: Sequence[Described], count: int, moment: float, numbers: np.random.Generator
) -> list[int]:
    """Return pictures to look at: half of them anything, half of them what an interest led to."""
    anything = numbers.integers(0, len(pictures), count)
    begun = [one for one in person.interests if one.since <= moment] or list(person.interests[:1])
    shares = np.array([one.share for one in begun])
    shown = []
    for place in range(count):
        found = int(anything[place])
        if numbers.random() < 0.5:
            interest = begun[int(numbers.choice(len(begun), p=shares / shares.sum()))]
            offered = numbers.integers(0, len(pictures), 24)
            found = int(max(offered, key=lambda index: interest.suits(pictures[index])))
        shown.append(found)
    return shown


def _reaction(
    person: Person, index: int, picture: Described, at: float, look: float, luck: tuple[np.random.Generator, bool]
) -> Event:
    numbers, noisy = luck
    likes = person.likes(picture, at / (DAYS * DAY))
    if noisy and numbers.random() < _SLIPS:
        slip = Reaction.LIKE if numbers.random() < 0.5 else Reaction.SKIP
        return Event(picture=index, reaction=slip, at=at, seconds=float(numbers.uniform(0.1, 0.5)))
    liked = numbers.random() < likes
    seconds = look * (1.6 if liked else 0.9)
    if numbers.random() < 0.15:
        return Event(picture=index, reaction=Reaction.LOOK, at=at, seconds=seconds)
    if not liked:
        return Event(picture=index, reaction=Reaction.SKIP, at=at, seconds=seconds)
    kinds = (Reaction.LIKE, Reaction.MORE, Reaction.DOWNLOAD)
    return Event(picture=index, reaction=kinds[int(numbers.choice(3, p=[0.8, 0.1, 0.1]))], at=at, seconds=seconds)


def _bursts(pictures: int, events: int, numbers: np.random.Generator) -> list[Event]:
    told = []
    for _ in range(int(numbers.poisson(min(_BURSTS, events / 12)))):
        at = float(numbers.uniform(0, DAYS * DAY))
        for _ in range(int(numbers.integers(8, 20))):
            at += float(numbers.uniform(0.15, 0.6))
            seconds = float(numbers.uniform(0.3, 1.4))
            picture = int(numbers.integers(0, pictures))
            told.append(Event(picture=picture, reaction=Reaction.LIKE, at=at, seconds=seconds))
    return told


def split_of(concept: str) -> str:
    """Return ``test`` for about three of ten concepts, ``train`` for the others; the same on every machine."""
    return "test" if hashlib.sha256(concept.encode()).digest()[0] < 77 else "train"


def people(split: str, count: int, pictures: Sequence[Described]) -> Iterator[Person]:
    """Yield people of a split; those of ``train`` and ``test`` have no seed in common.

    Raises:
        ValueError: another split.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; train and test are possible.")
    first = 0 if split == "train" else 1_000_000
    return (make_person(first + number, pictures) for number in range(count))
