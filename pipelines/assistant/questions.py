"""What a question asks for, by plain rules over English; names are taken out first, so that rules see ``it``."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable


class Intent(enum.StrEnum):
    """Sorts of questions; what fits none is `FACT`."""

    EMPTY = "empty"
    GREETING = "greeting"
    THANKS = "thanks"
    DRAW = "draw"
    WRITE = "write"
    DESCRIBE = "describe"
    LOOK = "look"  # of which colour or kind something is
    WHO = "who"
    PRESENCE = "presence"
    WHERE = "where"
    COUNT = "count"
    ABOUT = "about"
    IS_THIS = "is this"
    FACT = "fact"


_PLEASE = r"(?:please |can you |could you |will you |would you |i want you to |i'd like you to )*"
_SHOWN = r"(?:this|that|these|those|here|there|he|she|they|him|her|them|it)"
_PICTURE = (
    r"(?:in|on) (?:the|this|that|my|these|those|any|any of the) (?:last |first |other )?"
    r"(?:picture|photo|image|pic|photograph)s?"
)
_ONE = rf"(?:NAME|{_SHOWN})"
_END = r"[\s?.!]*$"
# The order decides: the first that fits.
_RULES: tuple[tuple[Intent, str], ...] = (
    (Intent.GREETING, rf"(?:hi|hello|hey|good (?:morning|day|evening)|greetings)(?: (?:there|you|again))?{_END}"),
    (Intent.THANKS, r"(?:thanks?|thank you|thx|cheers|great|perfect|nice|well done|good job)\b[^?]{0,30}$"),
    (Intent.DRAW, _PLEASE + r"(?:draw|paint|sketch|make (?:me )?an?(?:other)? (?:picture|drawing|sticker|poster))"),
    (
        Intent.DESCRIBE,
        _PLEASE + r"(?:give|write|make|suggest) (?:me |us )?an? (?:\w+ )?caption (?:of|for) "
        r"(?:the|this|that|my) (?:picture|image|photo)",
    ),
    (
        Intent.WRITE,
        _PLEASE + r"(?:write|compose|make up|invent|rhyme|imagine|tell (?:me|us) an? (?:\w+ )?(?:story|joke|poem|tale)|"
        r"(?:give|suggest) (?:me |us )?an? (?:\w+ )?(?:story|joke|poem|rhyme|caption|nickname|slogan))",
    ),
    (Intent.DESCRIBE, _PLEASE + r"(?:describe|caption)\b|what(?:'s| is) (?:happening|going on)"),
    (
        Intent.DESCRIBE,
        rf"(?:who|what)(?:'s| is| are) {_ONE}(?: {_PICTURE})?,? and (?:what|which) (?:colou?r|kind|sort|type|breed)\b",
    ),
    (Intent.LOOK, rf"(?:what|which) colou?rs? (?:(?:does|do) {_ONE} have|(?:is|are|has) {_ONE}\b[^?]{{0,20}}){_END}"),
    (Intent.LOOK, rf"what (?:kind|sort|type|breed) of \w+ (?:is|are) {_ONE}{_END}"),
    (
        Intent.COUNT,
        rf"how many (?:\w+ ){{0,3}}(?:are there|do you (?:see|know|recogni[sz]e)|can you see|is|are|{_PICTURE})",
    ),
    (Intent.PRESENCE, rf"(?:is|isn't|are|was) (?:this|that|these|those|there) (?:really )?NAME\b[^?]{{0,20}}{_END}"),
    (Intent.PRESENCE, rf"(?:is|are) NAME(?:,? (?:and|or|,) NAME)* (?:{_PICTURE}|here|there|shown|visible){_END}"),
    (Intent.PRESENCE, rf"(?:do|can|did) you (?:see|find|spot|recogni[sz]e) NAME\b[^?]{{0,40}}{_END}"),
    (Intent.WHERE, rf"where(?:'s| is| are) NAME(?: {_PICTURE})?{_END}"),
    (Intent.ABOUT, rf"(?:who|what)(?:'s| is| are) (?:the |my |our )?NAME{_END}"),
    (
        Intent.ABOUT,
        _PLEASE + r"(?:(?:tell|remind) (?:me|us) (?:something |more |everything |all )?(?:about|of)|"
        r"what (?:do|else do) you (?:know|remember)|what have you (?:learned|learnt)|everything (?:you know )?about)",
    ),
    (
        Intent.WHO,
        rf"(?:who|what|which one|which of \w+)(?:'s| is| are| was|'re)? "
        rf"(?:(?:this|that|these|those)(?: (?!for\b|of\b|about\b|like\b)\w+)?|{_SHOWN})(?: {_PICTURE})?{_END}",
    ),
    (Intent.WHO, rf"(?:who|what)(?: else)?(?:'s| is| are)?(?: all)?(?: shown| visible)? {_PICTURE}"),
    (Intent.WHO, r"(?:who|what|which(?: \w+){1,2}) (?:else )?(?:do|can|did) you (?:see|know|recogni[sz]e)"),
    (Intent.WHO, rf"(?:do|can) you (?:know|recogni[sz]e|name|identify) (?:{_SHOWN}|any|every|who|what|the )"),
    (Intent.WHO, rf"{_PLEASE}(?:name|identify|recogni[sz]e) (?:{_SHOWN}|every|all|who|what|the )"),
    (Intent.WHO, r"(?:who|what)(?: is it| else)?" + _END),
    (Intent.IS_THIS, r"(?:is|are) (?:this|that|these|those)\b"),
)  # fmt: skip
_POINTS = re.compile(r"\b(?:he|she|it|its|him|her|his|hers|they|them|their|this|that|these|those|one)\b", re.IGNORECASE)
_FILLER = re.compile(r"^(?:(?:and|so|ok|okay|but|well|now|great|please|hey|hi|then)[, ]+)+(?=\S+ )")
_COMPILED = [(intent, re.compile(rule)) for intent, rule in _RULES]


def intent_of(question: str, names: Iterable[str] = ()) -> Intent:
    """Return what `question` asks for.

    Args:
        question: as it was asked.
        names: of the things that may be named in it.
    """
    plain = " ".join(without_names(question, names, "NAME").replace("’", "'").split())
    if not plain.strip(" ?.!"):
        return Intent.EMPTY
    rows = _FILLER.sub("", "NAME".join(part.casefold() for part in plain.split("NAME")))
    return next((intent for intent, rule in _COMPILED if rule.match(rows)), Intent.FACT)


def points_at_something(question: str) -> bool:
    """Say whether a question is about something that it does not name: it, he, this one."""
    return _POINTS.search(question) is not None


def without_names(text: str, names: Iterable[str], instead: str) -> str:
    """Return `text` with every name of `names`, with or without an ``@``, replaced; whole words, in any case."""
    known = sorted({name for name in names if name}, key=len, reverse=True)
    if not known:
        return text
    words = "|".join(re.escape(name) for name in known)
    return re.sub(rf"(?<![\w@])@?(?:{words})(?!\w)", instead, text, flags=re.IGNORECASE)
