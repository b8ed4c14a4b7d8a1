"""Which concepts of an owner a photo has to be compared with, where there are too many to compare with all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from studio.engines.base import LookVectors, RecognitionEngine
from studio.storage.database import Database
from studio.storage.examples import LookRepository
from studio.storage.nearest import LookQuery

# From so many looks of an owner on there is a shortlist. Every concept that could be named is on it, so names stay the
# same; beside them the nearest for each place are, for the score of what is not known.
SHORTLIST_FROM = 2000
SHORTLIST = 32


class Shortlisting:
    """Lets the database choose what the engine compares with.

    Args:
        database: of the looks.
        engine: that made them.
    """

    def __init__(self, database: Database, engine: RecognitionEngine) -> None:
        self._database = database
        self._engine = engine

    def prepare(self, owner: str) -> None:
        """Make sure that all looks of `owner` would be found."""
        model = self._engine.model()
        with self._database.read() as session:
            vectors = self._vectors(session, owner)
        while vectors is not None and not self._ready(owner, model):
            with self._database.write() as session:
                LookRepository(session).prepare(owner, model, vectors.width)

    def choose(self, session: Session, places: Sequence[bytes], owner: str) -> set[str] | None:
        """Return the ids of the concepts to compare looks of places with; None: all of `owner`."""
        vectors = self._vectors(session, owner)
        if vectors is None:
            return None
        query = LookQuery(
            model=self._engine.model(), width=vectors.width, places=places, count=SHORTLIST, least=vectors.least
        )
        return LookRepository(session).nearest(owner, query)

    def _vectors(self, session: Session, owner: str) -> LookVectors | None:
        """Return how looks are compared; None where the engine compares with all of them."""
        many = LookRepository(session).count(owner, self._engine.model()) >= SHORTLIST_FROM
        return self._engine.vectors() if many else None

    def _ready(self, owner: str, model: str) -> bool:
        with self._database.read() as session:
            return LookRepository(session).ready(owner, model)
