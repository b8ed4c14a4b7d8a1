"""From a configuration to a text-image model ready for use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from diffusers import ModelMixin

from pipelines.features.image_encoders import ImageEncoder, load_image_encoder
from pipelines.features.sessions import Provider
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import TextImageConfig
from pipelines.textimage.kinds import KindRecogniser, read_kinds
from pipelines.textimage.mini_clip import MiniClipTextImage
from pipelines.textimage.modeling_mini_clip import MiniClip
from pipelines.textimage.open_clip_model import OpenClipTextImage

KINDS_FILE = Path(__file__).parents[2] / "assets" / "textimage" / "kinds.txt"

# From a model's name to its file or folder on this machine.
Find = Callable[[str], Path]


def load_text_image(
    config: TextImageConfig,
    *,
    find: Find = resolve,
    device: str = "cpu",
    provider: Provider = "cpu",
    opened: Mapping[str, ImageEncoder] | None = None,
) -> TextImageModel:
    """Load the model that a configuration names.

    Args:
        config: see `TextImageConfig`.
        find: tells where a named model is; the default fetches what is missing.
        device: torch device of the text encoder and heads, or of the whole open_clip model.
        provider: where the image encoders of mini-clip run.
        opened: image encoders by name that are open already; the model shares them.

    Raises:
        pipelines.resolver.ModelNotFound: a part could not be had.
    """
    if config.kind == "open-clip":
        return OpenClipTextImage(config.model, config.pretrained, device=device)
    heads = load_heads(_folder(config, find)).to(device)
    there = opened or {}
    encoders = [
        there.get(name) or load_image_encoder(name, find(name), threads=config.threads, provider=provider)
        for name in heads.config.image_features
    ]
    return MiniClipTextImage(heads, encoders, MiniLMTextEncoder(find("minilm"), device=device))


def version_of(config: TextImageConfig, *, find: Find = resolve) -> str:
    """Name the model of a configuration and its weights: measurements by one cannot be compared with another's.

    Raises:
        pipelines.resolver.ModelNotFound: our own could not be had.
    """
    if config.kind == "open-clip":
        return f"open-clip:{config.model}:{config.pretrained}"
    weights = _folder(config, find) / "diffusion_pytorch_model.safetensors"
    return f"mini-clip:{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"


def _folder(config: TextImageConfig, find: Find) -> Path:
    return Path(config.model) if Path(config.model).is_dir() else find(config.model)


def load_heads(folder: Path) -> MiniClip:
    """Load the trained heads from a folder, in float32 whatever they were stored in."""
    heads: ModelMixin = MiniClip.from_pretrained(folder, use_safetensors=True)
    return heads.float().eval()


def load_kind_recogniser(textimage: TextImageModel, kinds_file: Path = KINDS_FILE) -> KindRecogniser:
    """Make the recogniser of everyday kinds, at the scale that was measured for our own model."""
    scale = textimage.heads.config.kind_scale if isinstance(textimage, MiniClipTextImage) else None
    return KindRecogniser(textimage, read_kinds(kinds_file), scale=scale)
