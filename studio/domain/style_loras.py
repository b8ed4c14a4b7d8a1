"""Style LoRAs: files of others that give every picture a style, at a strength of their own.

A style *word* is part of a prompt ("glossy style"); a style LoRA is a file, and always called so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from studio.domain.concepts import NAME_MAX, check_name, handle_of
from studio.domain.loras import SUFFIX
from studio.domain.text import check_text
from studio.errors import InvalidInput

TRIGGER_MAX = 200
STRENGTH_MAX = 1.5
BYTES_MAX = 1_000_000_000  # of a file: the largest LoRAs of SDXL and FLUX in half precision stay below
_CAN_CARRY_CODE = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".zip")


@dataclass(frozen=True, kw_only=True)
class StyleLora:
    """A kept style LoRA.

    Attributes:
        id: of its record.
        name: what it is called; its `handle` is unique for its owner.
        trigger: words that are put behind every prompt that is drawn with it, where they are not in it; may be empty.
        strength: 0–1.5 unless a request says otherwise; 1 is as made.
        file: content key of the file as it came.
        digest: twelve hex digits of its numbers, by which other programs name it.
        model: name of the base that it was read for.
        layers: how many layers of the base it adapts.
        left_out: what else was in the file, in words.
    """

    id: str
    name: str
    trigger: str
    strength: float
    file: str
    digest: str
    model: str
    layers: int
    created_at: datetime
    left_out: tuple[str, ...] = ()
    owner: str = "local"

    @property
    def handle(self) -> str:
        """The name as it is compared: lower case, blanks as hyphens."""
        return handle_of(self.name)


@dataclass(frozen=True, kw_only=True)
class AddStyleLoraRequest:
    """A file and what the person says about it.

    Attributes:
        data: the safetensors file.
        name: what it is to be called; empty: as the file calls itself, or is called.
        file_name: what the file is called; only its words are ever looked at.
        trigger: see `StyleLora.trigger`; None: as the file says.
        strength: 0–1.5.
        owner: whose it will be.
    """

    data: bytes
    name: str = ""
    file_name: str = ""
    trigger: str | None = None
    strength: float = 1.0
    owner: str = "local"

    def __post_init__(self) -> None:
        if self.name.strip():
            object.__setattr__(self, "name", check_name(self.name))
        if self.trigger is not None:
            object.__setattr__(self, "trigger", check_trigger(self.trigger))
        check_strength(self.strength)


def check_trigger(trigger: str) -> str:
    """Return a trigger phrase as one line, or raise `InvalidInput` where it is too long or mentions a thing."""
    clean = " ".join(check_text(trigger, "trigger phrase").split())
    if len(clean) > TRIGGER_MAX:
        raise InvalidInput(f"The trigger phrase has {len(clean)} characters; at most {TRIGGER_MAX} are possible.")
    if "@" in clean:
        raise InvalidInput(f"The trigger phrase {clean[:40]!r} holds an @, which would mention one of your things.")
    return clean


def check_strength(strength: float) -> float:
    """Return a strength, or raise `InvalidInput` unless it is 0–1.5."""
    if not 0 <= strength <= STRENGTH_MAX:  # also refuses NaN
        raise InvalidInput(f"The strength is {strength}; it must lie between 0 and {STRENGTH_MAX}.")
    return float(strength)


def check_file(name: str, size: int) -> None:
    """Refuse a file by its name and size, before anything of it is read.

    Raises:
        InvalidInput: another format, or too large.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in _CAN_CARRY_CODE:
        raise InvalidInput(
            f"A {suffix} file can carry code and is never opened. Ask its maker for a {SUFFIX} file of the same LoRA."
        )
    if suffix != SUFFIX:
        raise InvalidInput(f"A style LoRA is a file that ends in {SUFFIX}; this one ends in {suffix or 'nothing'}.")
    if size > BYTES_MAX:
        raise InvalidInput(
            f"The file has {size / 1e9:.1f} GB; a LoRA has at most {BYTES_MAX / 1e9:.0f} GB. It may be a whole model."
        )


def with_trigger(prompt: str, trigger: str) -> str:
    """Return the prompt with the trigger phrase behind it, where it is not in it already."""
    if not trigger or trigger.casefold() in prompt.casefold():
        return prompt
    return f"{prompt.rstrip(' ,.')}, {trigger}"


def name_from(*texts: str) -> str:
    """Return a name made of the words of the first text that has some; a path's folders are never looked at."""
    for text in texts:
        stem = re.split(r"[/\\]", text)[-1].removesuffix(SUFFIX)
        words = " ".join(re.findall(r"[^\W_]+", stem))[:NAME_MAX].strip()
        if words:
            return words
    return "Style"
