"""Reads a prompt: who is in it, in which colours, what it wears and rides, who is with it, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.mini.layout import GROUNDS, MOUNTS, PLACES

# word → the name of COLOURS (pipelines.mini.colours) that it means
COLOUR_WORDS: dict[str, str] = {
    "red": "red", "crimson": "red", "scarlet": "red", "orange": "orange", "ginger": "orange", "yellow": "yellow",
    "golden": "yellow", "gold": "yellow", "green": "green", "lime": "green", "teal": "teal", "turquoise": "teal",
    "cyan": "teal", "blue": "blue", "navy": "blue", "purple": "purple", "violet": "purple", "pink": "pink",
    "magenta": "pink", "brown": "brown", "beige": "brown", "white": "white", "grey": "grey", "gray": "grey",
    "silver": "grey", "black": "black",
}  # fmt: skip
# what a prompt may call a hat → the drawing
HATS: dict[str, str] = {
    "top hat": "top hat", "crown": "crown", "graduation cap": "graduation cap", "billed cap": "billed cap",
    "baseball cap": "billed cap", "party hat": "top hat", "wizard hat": "top hat", "cap": "billed cap",
    "hat": "top hat",
}  # fmt: skip
PLACE_WORDS: dict[str, str] = {
    **{name: name for name in PLACES},
    "on the beach": "at the beach", "on a beach": "at the beach", "by the sea": "at the beach",
    "in snow": "in the snow", "in winter": "in the snow", "at the north pole": "in the snow",
    "by night": "at night", "at midnight": "at night", "under the stars": "at night",
    "at dusk": "at sunset", "at dawn": "at sunset", "at sunrise": "at sunset",
    "underwater": "under water", "in the sea": "under water", "in the ocean": "under water",
    "on a meadow": "in a meadow", "in the grass": "in a meadow", "on the grass": "in a meadow",
    "in a field": "in a meadow", "in a park": "in a meadow", "in the park": "in a meadow",
    "in a garden": "in a meadow", "in the garden": "in a meadow",
    "in the forest": "in a forest", "in the woods": "in a forest", "in a desert": "in the desert",
    "in outer space": "in space", "among the stars": "in space",
}  # fmt: skip
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6}
SIZES = {"tiny": 0.5, "little": 0.66, "small": 0.66, "big": 1.0, "large": 1.0, "huge": 1.0, "giant": 1.0}

_STARTERS = re.compile(
    r"^(?:(?:a|an|the) )?(?:(?:cute|nice|lovely|beautiful) )?"
    r"(?:sticker|picture|drawing|illustration|image|emoji|photo) of "
)
_ARTICLE = re.compile(r"^(?:an?|the|my|your|our|some|one) ")
_COLOUR = "|".join(COLOUR_WORDS)
_COLOUR_LIST = re.compile(rf"\b({_COLOUR}),(?= (?:{_COLOUR})\b)")
_LOOKS = rf"(?:(?:{_COLOUR}|{'|'.join(SIZES)}) ){{{{0,2}}}}"  # of a hat or a mount; the words tell them to the denoiser
# "and" joins two things where an article or a number follows, two colours of one thing where none does
_JOINTS = re.compile(
    r",|\b(?:wearing|with|next to|beside|near|holding|carrying|eating|hugging|behind|in front of)\b"
    r"|\band (?=an? |the |my |two |three )"
)
_GROUND = re.compile(rf"\b(?:on|against|in front of) (?:an? |the )?(?:plain )?({_COLOUR}) (?:back)?ground\b")
_COMPANION = re.compile(
    r"\b(?:with|next to|beside|near|holding|carrying|eating|hugging|behind|in front of|and) (?:an? |the |my |some )?"
    r"([a-z][a-z' -]*?)"
    r"(?=,|$|\b(?:wearing|with|next to|beside|near|holding|carrying|eating|hugging|and|in|at|on|under)\b)"
)


# what people call a thing → the name of the drawing that it is laid out with, where meanings would lead astray
CALLED = {
    **dict.fromkeys(("friend", "human", "people", "somebody", "someone", "adult", "colleague", "portrait"), "person"),
    **dict.fromkeys(("guy", "boyfriend", "husband", "dad", "father", "brother", "uncle", "gentleman"), "man"),
    **dict.fromkeys(("girlfriend", "wife", "mum", "mom", "mother", "sister", "aunt", "lady"), "woman"),
    **dict.fromkeys(("kid", "toddler"), "child"),
    **dict.fromkeys(("son",), "boy"),
    **dict.fromkeys(("daughter",), "girl"),
    **dict.fromkeys(("grandma", "grandmother", "granny"), "old woman"),
    **dict.fromkeys(("grandpa", "grandfather", "grandad"), "old man"),
    **dict.fromkeys(("wizard", "witch", "sorcerer"), "mage"),
    **dict.fromkeys(("chef",), "cook"),
    **dict.fromkeys(("mascot",), "robot"),
    **dict.fromkeys(("puppy", "corgi", "terrier", "labrador", "retriever", "dachshund", "beagle", "pug"), "dog"),
    **dict.fromkeys(("kitten", "kitty"), "cat"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a prompt asks for, in words.

    Attributes:
        subject: the words that name it, colours and counts taken off; "" where the prompt names nothing.
        colours: at most two names of colours that it shall have.
        count: how often it is there.
        scale: how large, 1 as large as fits.
        hat: name of a drawing of `HATS`.
        mount: name of a drawing of `MOUNTS`.
        companions: what is with it, at most two.
        place: of `PLACES`.
        ground: of `GROUNDS`.
    """

    subject: str
    colours: tuple[str, ...] = ()
    count: int = 1
    scale: float = 1.0
    hat: str | None = None
    mount: str | None = None
    companions: tuple[str, ...] = ()
    place: str | None = None
    ground: str | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing but the subject is in it."""
        return self == Scene(subject=self.subject, colours=self.colours)


def parse(prompt: str, is_name: Callable[[str], bool], style_words: Sequence[str] = ()) -> Scene:
    """Read a prompt.

    Args:
        prompt: as it was written.
        is_name: whether some words are the name of a drawing; "red heart" is one, and then "red" is no colour to give.
        style_words: phrases that ask for a style; they are taken out first.
    """
    text = re.sub(r"\s+", " ", prompt.casefold().replace("_", " ")).strip(" .!")
    text = _STARTERS.sub("", text)
    for words in sorted(style_words, key=len, reverse=True):
        text = text.replace(f" in {words}", "").replace(words, "")
    text, ground = _take_ground(text)
    whole = _stripped(text)
    if is_name(whole):  # "smiling face with sunglasses"
        return Scene(subject=whole, ground=ground)
    text, place = _take_word(text, PLACE_WORDS, r"\b({})\b")
    wearing = r"\b(?:wearing|with|in|and) (?:an? |the |his |her |its )?"
    text, hat = _take_word(text, HATS, wearing + _LOOKS + r"({})s?(?![a-z])")
    mounts = {name: name for name in MOUNTS}
    riding = r"\b(?:riding|on|driving|sitting on|on top of) (?:an? |the |its )?"
    text, mount = _take_word(text, mounts, riding + _LOOKS + r"({})\b")
    text, colours = _take_colours(_COLOUR_LIST.sub(r"\1", text))
    head, rest = _split_head(text, is_name)
    subject, named, count, scale = _read_head(head, is_name)
    companions = tuple(_ARTICLE.sub("", found.strip()) for found in _COMPANION.findall(rest))
    return Scene(
        subject=subject, colours=tuple(dict.fromkeys((*named, *colours)))[:2], count=count, scale=scale,
        hat=hat, mount=mount, companions=tuple(words for words in companions if words)[:2], place=place, ground=ground,
    )  # fmt: skip


def _stripped(text: str) -> str:
    return _ARTICLE.sub("", text.strip(" ,"))


def _take_ground(text: str) -> tuple[str, str | None]:
    found = _GROUND.search(text)
    if found is None:
        return text, None
    colour = COLOUR_WORDS[found.group(1)]
    return text[: found.start()] + text[found.end() :], colour if colour in GROUNDS else "white"


def _take_colours(text: str) -> tuple[str, tuple[str, ...]]:
    """Take "in red and black" out of a text."""
    found = re.search(rf" in ({_COLOUR})(?: and ({_COLOUR}))?(?![a-z])", text)
    if found is None:
        return text, ()
    return text[: found.start()] + text[found.end() :], tuple(COLOUR_WORDS[word] for word in found.groups() if word)


def _take_word(text: str, words: dict[str, str], pattern: str) -> tuple[str, str | None]:
    """Take the first of some phrases out of the text; the longest is tried first."""
    choices = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    found = re.search(pattern.format(choices), text)
    if found is None:
        return text, None
    return f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip()}".strip(), words[found.group(1)]


def _split_head(text: str, is_name: Callable[[str], bool]) -> tuple[str, str]:
    """Split a text behind the words that name its subject, which may hold a joint ("face with monocle")."""
    for end in range(len(text), 0, -1):
        if (end == len(text) or text[end] in " ,") and is_name(_stripped(text[:end])):
            return text[:end], text[end:]
    joint = _JOINTS.search(text)
    return (text, "") if joint is None else (text[: joint.start()], text[joint.start() :])


def _read_head(head: str, is_name: Callable[[str], bool]) -> tuple[str, tuple[str, ...], int, float]:
    """Return the subject's words, its colours, its count and its scale."""
    words = _stripped(head).split()
    start = _name_start(words, is_name)
    before, subject = words[:start], " ".join(words[start:])
    colours = dict.fromkeys(COLOUR_WORDS[word] for word in before if word in COLOUR_WORDS)
    count = next((NUMBERS[word] for word in before if word in NUMBERS), 1)
    scale = next((SIZES[word] for word in before if word in SIZES), 1.0)
    if not is_name(subject):
        subject = next((s for s in _singulars(subject) if is_name(s)), subject)
    return subject, tuple(colours)[:2], count, scale


def _name_start(words: list[str], is_name: Callable[[str], bool]) -> int:
    """Return where the subject's name begins: the longest ending that is a name, or behind the last word known here."""
    for start in range(len(words)):
        ending = " ".join(words[start:])
        if is_name(ending) or any(is_name(singular) for singular in _singulars(ending)):
            return start
    known = [place for place, word in enumerate(words[:-1]) if word in COLOUR_WORDS or word in NUMBERS or word in SIZES]
    return known[-1] + 1 if known else 0


def _singulars(noun: str) -> list[str]:
    """Return what a plural may be the plural of."""
    found = [noun[:-3] + "y"] if noun.endswith("ies") else []
    found += [noun[:-2]] if noun.endswith("es") else []
    return found + ([noun[:-1]] if noun.endswith("s") else [])
