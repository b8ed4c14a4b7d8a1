"""Who plays what: a person's own things take the places of what a prompt names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.mini.alike import Look
from pipelines.mini.scene import Scene


@dataclass(frozen=True, eq=False, kw_only=True)
class Actor:
    """A person's own thing in a picture.

    Attributes:
        words: what the prompt calls it, its class word; "": it is what the prompt names first.
        cutout: of a photo, RGBA, that is to stand in the picture; None: a drawing of the library.
        coat: main colours (``#rrggbb``) that the drawing is given, see `pipelines.mini.colours.palette`.
        greys: whether the drawing is shown without colours instead: a LoRA carries them.
        dress: gives a drawing [S, S, 4], called by some words, the thing's look, see `pipelines.mini.dressing`; None:
            its coat alone tells.
        look: what its photos look like, see `pipelines.mini.alike`: where the library has no drawing of the words, it
            is drawn after the one that looks most like it; None: after the one that is nearest in meaning.
    """

    words: str = ""
    cutout: Image.Image | None = None
    coat: Sequence[str] = ()
    greys: bool = False
    dress: Callable[[NDArray[np.uint8], str], NDArray[np.uint8]] | None = None
    look: Look | None = None


@dataclass(frozen=True, kw_only=True)
class Role:
    """A place in a picture.

    Attributes:
        words: that name what is there; "" where only a cut-out tells.
        colours: that the prompt wishes it to have.
        actor: number of the own thing that is there; None: anything of that name.
    """

    words: str
    colours: tuple[str, ...] = ()
    actor: int | None = None


@dataclass(frozen=True, kw_only=True)
class Casting:
    """All places: the first thing named, own things beside it in the order of their names, and smaller companions."""

    lead: Role
    peers: tuple[Role, ...] = ()
    companions: tuple[Role, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """All of them, from the first named on."""
        return (self.lead, *self.peers, *self.companions)


def cast(scene: Scene, words: Sequence[str], read: Callable[[str], Scene]) -> Casting:
    """Give own things their places.

    Args:
        scene: what the prompt asks for.
        words: what it calls each of them; of things called alike, the first takes the first place of that name.
            One whose words name nothing in the scene becomes its subject if that is free, or stands beside it.
        read: tells the name from its colours in some words.
    """
    named = [scene.subject, *(read(companion).subject for companion in scene.companions)]
    wished = [scene.colours, *(read(companion).colours for companion in scene.companions)]
    own = [read(called) for called in words]
    placed: dict[int, int] = {}  # actor → place
    for actor, called in enumerate(own):
        fitting = [place for place, name in enumerate(named) if name == called.subject or not (place or words[actor])]
        free = [place for place in fitting if place not in placed.values()]
        if free:
            placed[actor] = free[0]
    left = [actor for actor in range(len(own)) if actor not in placed]
    if left and 0 not in placed.values():
        placed[left.pop(0)] = 0

    def role(actor: int) -> Role:
        place = placed.get(actor)
        # "a golden retriever" is not asked to be yellow: the colour is in its name
        asked = () if place is None else tuple(c for c in wished[place] if c not in own[actor].colours)
        return Role(words=own[actor].subject or scene.subject, colours=asked, actor=actor)

    players = {place: actor for actor, place in placed.items()}
    lead = role(players[0]) if 0 in players else Role(words=scene.subject, colours=scene.colours)
    others = [place for place in range(1, len(named)) if place not in players]
    return Casting(
        lead=lead,
        peers=tuple(role(actor) for actor in range(len(own)) if placed.get(actor) != 0),
        companions=tuple(Role(words=scene.companions[place - 1]) for place in others),
    )
