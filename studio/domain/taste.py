"""A person's taste: profiles and their versions, what was done with pictures, and what a taste says of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from studio.errors import InvalidInput

FIRST_NAME = "My taste"  # of the profile that the first reaction begins
PICTURES_MAX = 1000  # of a folder, in one go
LEANING_MAX = 1.0


class Reaction(StrEnum):
    """What a person did with a picture."""

    LIKE = "like"
    MORE = "more"
    DOWNLOAD = "download"
    LOOK = "look"
    SKIP = "skip"
    HIDE = "hide"
    PICKED = "picked"
    PASSED = "passed"

    @property
    def spoken(self) -> str:
        """What it is called on a page."""
        return _SPOKEN[self]

    @property
    def favours(self) -> bool:
        """Whether it speaks for the picture."""
        return self not in (Reaction.SKIP, Reaction.HIDE, Reaction.PASSED)


_SPOKEN = {
    Reaction.LIKE: "liked", Reaction.MORE: "more like this", Reaction.DOWNLOAD: "downloaded",
    Reaction.LOOK: "looked at for long", Reaction.SKIP: "skipped", Reaction.HIDE: "hidden",
    Reaction.PICKED: "picked", Reaction.PASSED: "passed over",
}  # fmt: skip


class Amount(StrEnum):
    """How much a taste may change about a picture."""

    TOUCH = "touch"  # its style
    CLEAR = "clear"  # its colours too
    FULL = "full"  # the ground behind it too


@dataclass(frozen=True, kw_only=True)
class TasteEvent:
    """One reaction to one picture.

    Attributes:
        picture_id: of the gallery; None for an imported picture or a drawing to pick between.
        file: content key of the picture.
        seconds: how long it was looked at before; None: not known.
        deliberate: an import or a pick: nothing that happens by accident.
        pair: what the two events of a pick share.
        look: what the engine saw in it; None: not looked at yet by this model.
    """

    id: str
    file: str
    reaction: Reaction
    at: datetime
    picture_id: str | None = None
    seconds: float | None = None
    deliberate: bool = False
    pair: str = ""
    look: bytes | None = None
    look_model: str = ""


@dataclass(frozen=True, kw_only=True)
class TasteAttribute:
    """A named number of pictures: what small and large values are called, and how it is measured."""

    name: str
    low: str
    high: str
    measured: str


@dataclass(frozen=True, kw_only=True)
class TasteInterest:
    """One of the interests of a person.

    Attributes:
        share: of all interests, 0–1.
        files: content keys of its pictures, the most typical first.
        words: what these pictures have more or less of than most.
        centre: in a form that only the engine reads.
    """

    share: float
    files: tuple[str, ...]
    words: tuple[str, ...]
    centre: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TasteSummary:
    """What was learned.

    Attributes:
        liked: pictures that speak for the taste.
        others: pictures that speak against it.
        picks: between two.
        leanings: of each attribute, −1 (much rather its low end) to 1.
        interests: the largest first.
        contradictions: pictures that were both liked and refused.
        undecided: those of them that count for neither.
        dropped: reactions left out, by reason.
    """

    liked: int = 0
    others: int = 0
    picks: int = 0
    leanings: Mapping[str, float] = field(default_factory=dict)
    interests: tuple[TasteInterest, ...] = ()
    contradictions: int = 0
    undecided: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TasteVersion:
    """A state of a profile; every learning and every edit makes a new one.

    Attributes:
        number: 1, 2, …
        why: what made it, in a sentence.
        edits: leanings that the person set themselves, −1 to 1.
        model: of the engine that learned it.
        learned: what it learned, in a form that only the engine reads; None: nothing yet.
    """

    number: int
    made_at: datetime
    why: str
    edits: Mapping[str, float] = field(default_factory=dict)
    summary: TasteSummary = TasteSummary()
    model: str = ""
    learned: bytes | None = None

    @property
    def leanings(self) -> dict[str, float]:
        """What counts now of each attribute: what the person set, else what was learned."""
        return {**self.summary.leanings, **self.edits}


@dataclass(frozen=True, kw_only=True)
class TasteProfile:
    """A named taste of somebody.

    Attributes:
        collecting: whether what is done while browsing goes into this one.
        version: the newest.
        sharing_since: when the person agreed that their taste helps other people's of this studio, and is helped by
            those who agreed as well; None: they have not, or not any more.
    """

    id: str
    name: str
    handle: str
    created_at: datetime
    version: TasteVersion
    collecting: bool = False
    sharing_since: datetime | None = None
    owner: str = "local"


@dataclass(frozen=True, kw_only=True)
class TasteHelp:
    """What other people who share lend to a taste at this moment; it is worked out when it is asked for, and not kept.

    Attributes:
        people: those that this person's own choices show to be like-minded; 0: nobody, and nothing is changed.
        sharing: all others who share, like-minded or not.
        leanings: by how much they move each leaning that the person has not set themselves.
    """

    people: int = 0
    sharing: int = 0
    leanings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TasteReason:
    """A named attribute that speaks for (above 0) or against a picture, in logits."""

    words: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class TasteVerdict:
    """What a taste says of a picture.

    Attributes:
        probability: that the person likes it, 0–1.
        preference: the same before caution about what is little known; compares pictures. Beside a reference it is
            mixed with the likeness.
        reasons: the strongest first, whichever way they speak.
        like: content key of the liked picture it is most like; None: none.
        likeness: to the reference, −1 to 1; None: there is none.
    """

    probability: float
    preference: float
    reasons: tuple[TasteReason, ...]
    like: str | None = None
    likeness: float | None = None

    @property
    def words(self) -> str:
        """How likely it is, in words."""
        bounds = ((0.72, "you would love this"), (0.55, "you would like this"), (0.42, "could go either way"))
        return next((words for bound, words in bounds if self.probability >= bound), "not quite yours")


@dataclass(frozen=True, kw_only=True)
class TasteVariant:
    """A way to draw something: words for a style and a colour (either may be "").

    Attributes:
        tokens: what an image engine that draws by tastes is told besides, in a form that only engines read; b"":
            nothing, the words are all.
        palette: colours ``#rrggbb`` for an image engine that takes some, instead of the word; (): the word alone.
    """

    style: str
    colour: str
    tokens: bytes = b""
    palette: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BesideTaste:
    """A picture that others are to look like, beside a taste.

    Attributes:
        look: what is seen of it, in a form that only the engine reads.
        share: of the taste, 0 (the look of the picture alone) to 1 (the taste alone).
    """

    look: bytes
    share: float

    def mixed(self, taste: float, likeness: float) -> float:
        """Return what a picture is worth of which the taste and the likeness to the reference say so much."""
        return self.share * taste + (1 - self.share) * likeness


def check_leanings(leanings: Mapping[str, float], attributes: tuple[TasteAttribute, ...]) -> dict[str, float]:
    """Return leanings, or raise `InvalidInput` for an unknown attribute or a value outside of −1 to 1."""
    known = [attribute.name for attribute in attributes]
    for name, value in leanings.items():
        if name not in known:
            raise InvalidInput(f"There is no attribute {name!r}. There are: {', '.join(known)}.")
        if not -LEANING_MAX <= value <= LEANING_MAX:  # also refuses NaN
            raise InvalidInput(f"{name} is {value}; it must lie between −1 and 1.")
    return {name: float(value) for name, value in leanings.items()}
