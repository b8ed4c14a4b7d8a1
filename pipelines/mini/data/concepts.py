"""Names, keywords, groups and the held-out split of emoji concepts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.mini.data.packages import member_json

# emojibase's group numbers; components (2) and flags (9) are left out: flags and letters are text, which a model of
# this size cannot draw. Of the people (1) only these are kept, without skin tones, which would multiply them.
GROUPS = {0: "smileys", 1: "people", 3: "animals", 4: "food", 5: "places", 6: "activities", 7: "objects", 8: "symbols"}
_SYMBOLS_KEPT = re.compile(
    r"heart|star|sparkle|check|cross mark|flower|sun|moon|fire|droplet|snow|recycl|infinity|peace|musical"
)
_PEOPLE_KEPT = frozenset(
    ("person", "man", "woman", "child", "boy", "girl", "baby", "older person", "old man", "old woman", "prince",
     "princess", "baby angel", "santa claus", "mrs. claus", "superhero", "supervillain", "mage", "fairy", "vampire",
     "mermaid", "merman", "elf", "genie", "zombie", "troll", "ninja", "astronaut", "cook", "artist", "detective",
     "guard", "police officer", "firefighter", "farmer", "scientist", "teacher", "student", "singer", "pilot", "judge",
     "construction worker", "health worker", "mechanic", "technologist", "ballet dancer", "thumbs up", "thumbs down",
     "flexed biceps", "brain", "eyes", "tooth", "bone")
)  # fmt: skip
_TEXTUAL = re.compile(
    r"o.clock|thirty|keycap|button|squared|input|letter|japanese|arrow|sign|symbol|calendar|square$|circle$|diamond$"
)


@dataclass(frozen=True, kw_only=True)
class Concept:
    """An emoji concept: base codepoint(s) in lower-case hex, a plain name, keywords, group and split."""

    code: str
    name: str
    keywords: tuple[str, ...]
    group: str
    split: str


def base_code(hexcode: str) -> str:
    """Return `hexcode` in lower case without variation selectors and skin tones: no variant may leak into a split."""
    parts = [part for part in hexcode.lower().split("-") if part != "fe0f" and not re.fullmatch(r"1f3f[b-f]", part)]
    return "-".join(parts)


def read_concepts(emojibase: Path, holdout: Path) -> dict[str, Concept]:
    """Return the usable concepts by base code; `holdout` is a YAML file with the key ``concepts`` (held-out names).

    Raises:
        ValueError: a held-out name is not a concept, so the split would silently be smaller.
    """
    held_out = set(yaml.safe_load(holdout.read_text())["concepts"])
    found: dict[str, Concept] = {}
    for entry in member_json(emojibase, "en/data.json"):
        name = plain_name(entry["label"])
        if not _usable(entry.get("group"), name):
            continue
        code = base_code(entry["hexcode"])
        split = "test" if name in held_out else "train"
        keywords = tuple(tag for tag in entry.get("tags", ()) if tag != name)
        found[code] = Concept(code=code, name=name, keywords=keywords, group=GROUPS[entry["group"]], split=split)
    unknown = held_out - {concept.name for concept in found.values()}
    if unknown:
        raise ValueError(f"{holdout} holds out names that are not concepts: {sorted(unknown)}.")
    return found


def plain_name(label: str) -> str:
    """Return a label as one would say it: no quotes, colons or brackets, ``face`` at the end dropped for animals."""
    name = re.sub(r"[“”\"():]", "", label.lower().replace("’", "'")).strip()
    return re.sub(r"\s+", " ", name)


def _usable(group: int | None, name: str) -> bool:
    if group not in GROUPS or _TEXTUAL.search(name):
        return False
    if GROUPS[group] == "people":
        return name in _PEOPLE_KEPT
    return group != 8 or bool(_SYMBOLS_KEPT.search(name))
