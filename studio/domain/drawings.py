"""A drawing that was asked for, from the asking until its pictures are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from studio.domain.generation import GenerateRequest


@dataclass(frozen=True, kw_only=True)
class InTaste:
    """In whose taste something is drawn, or like which picture.

    Attributes:
        taste: name of the taste; "": nobody's.
        amount: how much may be changed.
        tries: ways to choose among.
        like: content key of the picture that it is to look like; "": none.
        share: of the taste beside that picture, 0–1.
    """

    taste: str
    amount: str
    tries: int
    like: str = ""
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What has to be known to draw it again, should the studio be closed first.

    Attributes:
        id: of the job that draws it.
        request: with nothing left to chance: its seed and numbers are resolved.
        process: the process that draws it, see `studio.storage.presence`.
        created_at: when it was asked for.
        in_taste: None for a drawing in nobody's taste.
    """

    id: str
    request: GenerateRequest
    process: str
    created_at: datetime
    in_taste: InTaste | None = None
