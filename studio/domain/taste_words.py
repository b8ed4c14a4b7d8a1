"""Plain words and tastes: "warmer, no outlines" to leanings, leanings to words, and a taste put into a prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from studio.domain.taste import Amount, TasteAttribute, TasteHelp, TasteVariant
from studio.domain.text import check_text
from studio.errors import InvalidInput

WORDS_MAX = 300
SHARED = (
    "Only numbers are shared: how much each named attribute, such as warm colours or outlines, counts for you. "
    "No picture, no history, no name."
)
_MOVED = 0.02  # a leaning that others move by less is not worth a word
_STEP = 0.5
_MODIFIERS: dict[str, float] = {
    "much more": 1.0, "a lot more": 1.0, "very": 1.0, "more": _STEP, "a little more": 0.25, "a bit more": 0.25,
    "much less": -1.0, "a lot less": -1.0, "less": -_STEP, "fewer": -_STEP, "a little less": -0.25,
    "a bit less": -0.25, "no": -1.0, "not": -_STEP, "never": -1.0, "without": -1.0, "not so": -0.25,
}  # fmt: skip
# what people say besides the attributes' own words → (attribute, direction)
_SYNONYMS: dict[str, tuple[str, int]] = {
    "warm": ("warmth", 1), "warmer": ("warmth", 1), "cool": ("warmth", -1), "cooler": ("warmth", -1),
    "cold": ("warmth", -1), "colder": ("warmth", -1), "vivid": ("saturation", 1), "bold colours": ("saturation", 1),
    "muted": ("saturation", -1), "pale": ("saturation", -1), "brighter": ("brightness", 1), "light": ("brightness", 1),
    "lighter": ("brightness", 1), "darker": ("brightness", -1), "contrast": ("contrast", 1), "soft": ("contrast", -1),
    "colourful": ("colourfulness", 1), "colorful": ("colourfulness", 1), "pastel": ("pastel", 1),
    "outlines": ("outline", 1), "lines": ("outline", 1), "line art": ("outline", 1), "shaded": ("shading", 1),
    "gradients": ("shading", 1), "flat": ("shading", -1), "flatter": ("shading", -1), "shiny": ("gloss", 1),
    "glossier": ("gloss", 1), "highlights": ("gloss", 1), "matte": ("gloss", -1), "texture": ("texture", 1),
    "smoother": ("texture", -1), "detail": ("busyness", 1), "detailed": ("busyness", 1), "details": ("busyness", 1),
    "busier": ("busyness", 1), "simpler": ("busyness", -1), "minimal": ("busyness", -1), "clean": ("busyness", -1),
    "round": ("angularity", -1), "rounder": ("angularity", -1), "angular": ("angularity", 1), "large": ("fill", 1),
    "larger": ("fill", 1), "small": ("fill", -1), "smaller": ("fill", -1), "symmetry": ("symmetry", 1),
    "energetic": ("mood", 1), "livelier": ("mood", 1), "calmer": ("mood", -1), "quiet": ("mood", -1),
    "gray": ("grey", 1),
}  # fmt: skip


def read_words(words: str, attributes: Sequence[TasteAttribute], now: Mapping[str, float]) -> dict[str, float]:
    """Return what some plain words change.

    Args:
        words: such as ``"warmer, less busy and no outlines"``.
        attributes: what there is to change.
        now: the leanings of now; "more" and "less" go on from there.

    Raises:
        InvalidInput: nothing is said, or a part of it is not understood; it says which, and what is.
    """
    text = " ".join(check_text(words, "text").casefold().split())
    if not text or len(text) > WORDS_MAX:
        raise InvalidInput(f"Say in 1 to {WORDS_MAX} characters what to change, for example: warmer, less busy.")
    table = _table(attributes)
    changed: dict[str, float] = {}
    for piece in filter(None, (part.strip(" .!") for part in re.split(r"[,;]| and | but ", text))):
        name, leaning = _read(piece, table, {**now, **changed})
        changed[name] = max(-1.0, min(1.0, leaning))
    return changed


def describe(
    values: Mapping[str, float], attributes: Sequence[TasteAttribute], *, least: float, most: int
) -> list[str]:
    """Return words for the strongest leanings, the strongest first.

    Args:
        values: leanings, or how far something lies from most pictures.
        attributes: what they are called.
        least: smaller ones are not worth a word.
        most: words.
    """
    known = {attribute.name: attribute for attribute in attributes}
    strong = sorted(
        (name for name in values if abs(values[name]) >= least and name in known), key=lambda name: -abs(values[name])
    )
    return [known[name].high if values[name] > 0 else known[name].low for name in strong[:most]]


def describe_help(help: TasteHelp, attributes: Sequence[TasteAttribute]) -> str:
    """Return in a sentence or two who helps a taste that shares, and what they change."""
    if not help.sharing:
        return "Nobody else shares yet."
    everybody = "1 other person shares" if help.sharing == 1 else f"{help.sharing} other people share"
    if not any(help.leanings.values()) and not help.people:
        return f"{everybody}, and nothing that you chose says yet who is like-minded: this taste stands on its own."
    words = describe(help.leanings, attributes, least=_MOVED, most=4)
    change = f"They move it towards {_listed(words)}." if words else "They change next to nothing so far."
    if not help.people:
        return f"{everybody}, nobody clearly like-minded yet. {change}"
    people = "1 like-minded person" if help.people == 1 else f"{help.people} like-minded people"
    return f"Helped by {people} of {help.sharing} who share. {change}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _table(attributes: Sequence[TasteAttribute]) -> dict[str, tuple[str, int]]:
    table = {word: meant for word, meant in _SYNONYMS.items() if meant[0] in {one.name for one in attributes}}
    for attribute in attributes:
        table |= {attribute.low: (attribute.name, -1), attribute.name: (attribute.name, 1)}
        table |= {attribute.high: (attribute.name, 1)}
    return table


def _read(piece: str, table: Mapping[str, tuple[str, int]], now: Mapping[str, float]) -> tuple[str, float]:
    for modifier in sorted(_MODIFIERS, key=len, reverse=True):
        rest = piece.removeprefix(f"{modifier} ")
        if rest != piece and rest in table:
            name, direction = table[rest]
            step = _MODIFIERS[modifier] * direction
            return name, (step if abs(step) == 1.0 else now.get(name, 0.0) + step)
    if piece in table:
        name, direction = table[piece]
        return name, now.get(name, 0.0) + _STEP * direction
    known = ", ".join(sorted(word for word in table if " " not in word)[:40])
    raise InvalidInput(f"{piece!r} is nothing I can change. Words such as these are understood: {known}.")


_STYLE = re.compile(
    r"\b(soft|flat|modern|glossy|blob|comic|classic|pixel|line|photo\w*|watercolou?r|sketch\w*) style\b"
)
_COLOURS = r"red|orange|yellow|green|teal|blue|purple|pink|brown|white|gr[ae]y|black|golden|silver"
_COLOURED = re.compile(rf"\b({_COLOURS})\b")
_START = re.compile(r"^(an?|the|two|three|four|five|six)\s+", re.IGNORECASE)
_PLACED = re.compile(r"\b(background|ground|in|at|on|under|among|by)\b")


def in_palette(prompt: str, variant: TasteVariant, amount: Amount, *, mentions: bool) -> tuple[str, ...]:
    """Return the palette of a variant where it may count, see `in_taste`; else none."""
    counts = amount is not Amount.TOUCH and not mentions and not _COLOURED.search(prompt.casefold())
    return variant.palette if counts else ()


def in_taste(prompt: str, variant: TasteVariant, amount: Amount, *, mentions: bool, palettes: bool = False) -> str:
    """Return a prompt with what a taste asks for; what the prompt says itself is never overruled.

    Args:
        prompt: as it was written.
        variant: a style and a colour.
        amount: how much may be said.
        mentions: whether a person's own thing is in it, which keeps its colours.
        palettes: whether the variant's palette is told besides; the thing is then not called by a colour.
    """
    told = prompt
    coloured = bool(_COLOURED.search(prompt.casefold())) or (palettes and bool(variant.palette))
    if amount is not Amount.TOUCH and variant.colour and not coloured and not mentions and _START.match(told):
        told = _START.sub(lambda start: f"{_article(start[1], variant.colour)} {variant.colour} ", told, count=1)
    if amount is Amount.FULL and variant.colour and not _PLACED.search(prompt.casefold()):
        told = f"{told} on {_a(variant.colour)} background"
    if variant.style and not _STYLE.search(prompt.casefold()):
        told = f"{told}, {variant.style}"
    return told


def _article(word: str, following: str) -> str:
    return ("An" if following[0] in "aeiou" else "A").lower() if word.lower() in ("a", "an") else word


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
