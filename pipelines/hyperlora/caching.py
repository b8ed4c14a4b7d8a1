"""Everything frozen is computed once before training: tokens of references, latents and texts of targets.

A cache folder is made for one corpus; each part is written whole under its name at the end, and kept when it is there.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines.hyperlora.cluttered import cut_from_clutter
from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.identities import IdentityViews, photo_like
from pipelines.hyperlora.references import TokenEncoder, reference_tokens

logger = logging.getLogger(__name__)
_CHUNK = 50


class CacheMismatch(RuntimeError):
    """A cached file belongs to another corpus; delete the folder to make it anew."""


def cache_references(
    views: IdentityViews, encoder: TokenEncoder, versions: int, folder: Path, seed: int, cluttered: int = 0
) -> NDArray[np.float16]:
    """Encode every individual's reference: version 0 as it is, the others photo-like, the last ones cut from clutter.

    Args:
        views: the individuals; the first axis of the result follows `views.names()`.
        encoder: a frozen image encoder.
        versions: encoded versions of each, at least 1.
        folder: of the cache; finished parts of an interrupted run are kept in it.
        seed: of the photo-like changes.
        cluttered: how many versions, the last ones, are cut out of a ground.

    Returns:
        float16 [individuals, versions, T, D], a memory map.
    """
    final = folder / "references.npy"
    names, references = views.names(), views.references()
    if not final.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts = []
        for start in range(0, len(names), _CHUNK):
            part = folder / f"references.{start}.npy"
            if not part.exists():
                pictures = [
                    _version(views, references[name], version, seed, cluttered=version >= versions - cluttered)
                    for name in names[start : start + _CHUNK]
                    for version in range(versions)
                ]
                tokens = reference_tokens(pictures, encoder).astype(np.float16)
                _write(part, tokens.reshape(-1, versions, *tokens.shape[1:]))
                logger.info("references: %d of %d", min(start + _CHUNK, len(names)), len(names))
            parts.append(part)
        _write(final, np.concatenate([np.load(part) for part in parts]))
        for part in parts:
            part.unlink()
    cached = np.load(final, mmap_mode="r")
    _check(cached.shape, (len(names), versions), final)
    return cached


def cache_latents(
    views: IdentityViews, base: DenoisingBase, folder: Path, what: str = "latents", batch: int = 64
) -> NDArray[np.float16]:
    """Encode every view (``latents``) or its sketch (``sketches``, ``greys``), float16 [N, C, h, w], a memory map."""
    final = folder / f"{what}.npy"
    pictures = {"latents": views.pictures, "sketches": views.sketches, "greys": views.greys}[what]
    assert pictures is not None, "these individuals have no sketches"
    if not final.exists():
        folder.mkdir(parents=True, exist_ok=True)
        parts = []
        for start in range(0, len(views), batch):
            rows = list(views.rows[start : start + batch])
            parts.append(base.encode_pictures(np.array(pictures[rows])).to(torch.float16).numpy())
        _write(final, np.concatenate(parts))
    cached = np.load(final, mmap_mode="r")
    _check(cached.shape, (len(views),), final)
    return cached


def cache_texts(views: IdentityViews, base: DenoisingBase, folder: Path) -> tuple[dict[str, Tensor], NDArray[np.int64]]:
    """Encode every distinct caption once.

    Returns:
        What the model is conditioned on, each tensor [U + 1, …] with the empty caption first, and for every view the
        row of its caption.
    """
    captions = ["", *sorted({record["caption"] for record in views.records})]
    final = folder / "texts.safetensors"
    if not final.exists():
        folder.mkdir(parents=True, exist_ok=True)
        conditions = {name: value.contiguous() for name, value in base.encode_text(captions).items()}
        save_file(conditions, final.with_suffix(".part"))
        final.with_suffix(".part").replace(final)
    conditions = load_file(final)
    for value in conditions.values():
        _check(value.shape, (len(captions),), final)
    rows = {caption: row for row, caption in enumerate(captions)}
    return conditions, np.array([rows[record["caption"]] for record in views.records])


def _version(views: IdentityViews, index: int, version: int, seed: int, *, cluttered: bool) -> Image.Image:
    if version == 0:
        return views.picture(index)
    rng = np.random.default_rng([seed, index, version])
    seen = photo_like(views.picture(index), rng)
    return cut_from_clutter(seen, rng) if cluttered else seen


def _write(path: Path, values: NDArray) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.save(file, values)
    temporary.replace(path)


def _check(shape: tuple[int, ...], expected: tuple[int, ...], path: Path) -> None:
    if tuple(shape[: len(expected)]) != expected:
        raise CacheMismatch(
            f"{path} holds {list(shape)} but the corpus needs {list(expected)}; delete {path} to make it anew."
        )
