"""Getting to know a taste of which nothing is known: pairs to pick between, chosen for what the answer tells."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from PIL import Image

from studio.domain.identifiers import IdSource
from studio.domain.taste import Reaction, TasteEvent
from studio.engines.base import TasteEngine
from studio.errors import InvalidInput, NotFound
from studio.services.taste import TasteService
from studio.storage.files import key_of
from studio.storage.ingest import encode_cutout
from studio.storage.tastes import TasteRepository
from studio.storage.vault import Vault

PICKS = 8  # after which a taste is known well enough to begin with


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two samples by their number, and how many picks were made before."""

    one: int
    other: int
    made: int


class TastePicks:
    """Asks which of two pictures somebody likes better."""

    def __init__(self, *, vault: Vault, engine: TasteEngine, tastes: TasteService, ids: IdSource) -> None:
        self._vault = vault
        self._engine = engine
        self._tastes = tastes
        self._ids = ids

    def next(self, name: str | None, owner: str = "local") -> Pair:
        """Return the pair whose answer tells most of what is not known of this taste; None: of nobody's yet.

        Raises:
            NotFound: no such profile.
            InvalidInput: this studio has no pictures to pick between.
        """
        if len(self._samples) < 2:
            raise InvalidInput(
                "The base model has no drawings to pick between. Like pictures or give a folder instead."
            )
        events = self._tastes.events(name, owner) if name is not None else []
        known = [event for event in events if event.look is not None and event.look_model == self._engine.model()]
        learned = self._engine.learn(known, datetime.now(UTC)).data if known else None
        shown = [self._by_key[event.file] for event in events if event.file in self._by_key]
        one, other = self._engine.next_pair(learned, shown, len(events))
        return Pair(one=one, other=other, made=sum(bool(event.pair) for event in events) // 2)

    def pick(self, name: str, picked: int, passed: int, owner: str = "local") -> int:
        """Remember which of two samples is liked better; return how many picks were made.

        Raises:
            NotFound: no such profile or sample.
        """
        profile = self._tastes.get(name, owner)
        pair, now, model = self._ids(), datetime.now(UTC), self._engine.model()
        with self._vault.storing() as act:
            events = []
            for number, reaction in ((picked, Reaction.PICKED), (passed, Reaction.PASSED)):
                data = self.sample(number)
                look = self._engine.look(_picture(data))
                events.append(
                    TasteEvent(
                        id=self._ids(), file=act.put(data, ".png"), reaction=reaction, at=now, deliberate=True,
                        pair=pair, look=look, look_model=model,
                    )
                )  # fmt: skip
            TasteRepository(act.session).react(profile.id, events, owner)
        return sum(bool(event.pair) for event in self._tastes.events(name, owner)) // 2

    def sample(self, number: int) -> bytes:
        """Return a sample as PNG; raises `NotFound` when there is none of that number."""
        if not 0 <= number < len(self._samples):
            raise NotFound(f"There is no picture {number} to pick.")
        return self._samples[number]

    @cached_property
    def _samples(self) -> Sequence[bytes]:
        return [encode_cutout(image) for image in self._engine.samples()]

    @cached_property
    def _by_key(self) -> dict[str, int]:
        return {key_of(data, ".png"): number for number, data in enumerate(self._samples)}


def _picture(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA")
