"""Personal LoRAs as files to take away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from studio.domain.concepts import Concept

SUFFIX = ".safetensors"
LoraLayout = Literal["diffusers", "kohya"]
"""How a LoRA file names its parts: ``kohya`` is what most programs read, ``diffusers`` fits transformers as well."""


@dataclass(frozen=True, kw_only=True)
class LoraFile:
    """A file to take away: `name` is plain ASCII and ends in ``.safetensors``."""

    name: str
    data: bytes


def lora_file_name(concept: Concept, layout: LoraLayout) -> str:
    """Return a name a person recognises in a folder of downloads."""
    word = re.sub(r"[^a-z0-9]+", "-", concept.handle.encode("ascii", "ignore").decode()).strip("-")
    return f"{word or 'concept'}-{layout}{SUFFIX}"
