"""Opening what looks at pictures for the small VLM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.assistant.vlm.depicted import Corpus
from pipelines.assistant.vlm.sight import TaggingEyes
from pipelines.features.image_encoders import load_image_encoder
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.matting import Matting
from pipelines.resolver import resolve
from pipelines.textimage.kinds import read_kinds
from pipelines.textimage.loading import KINDS_FILE, load_heads
from pipelines.textimage.mini_clip import MiniClipTextImage

KINDS = "kinds.txt"  # beside what was trained: the kinds that a picture may be tagged with
# What is looked with: names of the models for the resolver.
NEEDED = ("clip-vision", "tinyvit", "textimage", "minilm", "u2netp")


def open_eyes(
    kinds: Sequence[str],
    config: VlmModelConfig,
    *,
    learning: bool = False,
    find: Callable[[str], Path] = resolve,
    threads: int = 1,
) -> TaggingEyes:
    """Open what looks at pictures.

    Args:
        kinds: those that a picture may be tagged with.
        config: says how many tokens and tags a picture has.
        learning: whether a model will learn from what is seen, and not be asked about it.
        find: tells where a named model is; the default fetches what is missing.
        threads: of each network.

    Raises:
        pipelines.resolver.ModelNotFound: a part could not be had.
    """
    heads = load_heads(find("textimage"))
    encoders = [load_image_encoder(name, find(name), threads=threads) for name in heads.config.image_features]
    textimage = MiniClipTextImage(heads, encoders, MiniLMTextEncoder(find("minilm")))
    saliency = Matting(find("u2netp"), threads=threads).saliency
    most = config.tags if learning else config.told
    return TaggingEyes(textimage, kinds, saliency, count=config.image_tokens, most=most)


def kinds_of(corpus: Corpus, groups: Sequence[str]) -> list[str]:
    """Return the everyday kinds, and after them those of the corpus's drawings of some groups."""
    everyday = read_kinds(KINDS_FILE)
    known = {kind.casefold() for kind in everyday}
    return everyday + [kind for kind in corpus.kinds(groups) if kind.casefold() not in known]


def told_apart(kinds: Sequence[str]) -> list[str]:
    """Return the kinds without those that only specialise an everyday one, in their order.

    Drawings tell a guide dog from a dog by its harness, and a model that knows the word says it of any dog.
    """
    everyday = read_kinds(KINDS_FILE)
    own, ends = frozenset(everyday), tuple(f" {kind.casefold()}" for kind in everyday)
    return [kind for kind in kinds if kind in own or not kind.casefold().endswith(ends)]
