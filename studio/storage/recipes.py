"""Recipes inside picture files: A1111-readable text, our own JSON, or a clean copy without either."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from studio.domain.generation import Recipe
from studio.storage.ingest import without_metadata
from studio.version import VERSION

PARAMETERS = "parameters"
OWN = "keepsake"
_SCHEMA = 1


def parameters_text(recipe: Recipe) -> str:
    """Return the recipe as other studios read it: the prompt, then one line of ``Key: value`` pairs.

    The form is the one of AUTOMATIC1111's PNG info: values with commas, colons or line ends are JSON strings.
    """
    pairs = {
        "Steps": recipe.steps,
        "Sampler": recipe.scheduler,
        "CFG scale": f"{recipe.guidance:g}",
        "Seed": recipe.seed,
        "Size": f"{recipe.width}x{recipe.height}",
        "Model hash": recipe.model_hash,
        "Model": recipe.model,
        "Fidelity": f"{recipe.fidelity:g}",
        "Pose": recipe.pose,
        **_style(recipe),
        **({"Palette": " ".join(recipe.palette)} if recipe.palette else {}),
        "Version": f"Keepsake {VERSION}",
    }
    return f"{recipe.prompt}\n" + ", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items())


def _style(recipe: Recipe) -> dict[str, str]:
    """Return the style LoRA by the hash of its numbers: what a person calls it stays with them."""
    if not recipe.style_digest:
        return {}
    return {"Lora hashes": f"style: {recipe.style_digest}", "Style strength": f"{recipe.style_strength:g}"}


def own_json(recipe: Recipe) -> str:
    """Return the whole recipe as JSON, with concepts by the hash of their id and without names that a person gave."""
    values = dataclasses.asdict(recipe)
    # the picture that it was to look like stays here; the palette and the prompt hold what came of it
    del values["concept_names"], values["style_name"], values["like"]
    values["concepts"] = [hashlib.sha256(concept.encode()).hexdigest()[:16] for concept in recipe.concepts]
    return json.dumps({"schema": _SCHEMA, "version": VERSION, **values}, ensure_ascii=False)


def encode_png(picture: Image.Image, recipe: Recipe | None = None) -> bytes:
    """Encode an RGBA picture as PNG, with the recipe in it unless that is None."""
    info = PngInfo()
    if recipe is not None:
        info.add_text(PARAMETERS, parameters_text(recipe))
        info.add_text(OWN, own_json(recipe))
    buffer = io.BytesIO()
    without_metadata(picture.convert("RGBA")).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def encode_webp(picture: Image.Image, recipe: Recipe | None = None) -> bytes:
    """Encode an RGBA picture as lossless WebP, with the recipe as EXIF user comment unless that is None."""
    exif = Image.Exif()
    if recipe is not None:
        comment = b"UNICODE\0" + parameters_text(recipe).encode("utf-16-be")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    buffer = io.BytesIO()
    plain = without_metadata(picture.convert("RGBA"))
    # exact keeps the colours under transparent pixels, so that a soft edge looks the same on any ground
    plain.save(buffer, "WEBP", lossless=True, exact=True, exif=exif.tobytes() if recipe is not None else b"")
    return buffer.getvalue()


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ",:\n") else text
