"""Photos to soft mattes and to cut-outs with clean edges, by U2-Net-p.

Shape legend: H, W size of the picture the matte belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch.nn import functional

from pipelines.features.preprocessing import IMAGENET_MEAN, IMAGENET_STD, FloatArray, on_ground
from pipelines.features.sessions import Provider, open_session

NETWORK_EDGE = 320
# Larger photos are worked on at this edge: stickers are smaller, and the network sees 320 pixels anyway.
WORKING_EDGE = 1024
MINIMUM_COVERAGE = 0.01
# A region this much smaller than the largest one is something else that caught the network's eye.
ISLAND_SHARE = 0.1
_UNIFORM_DEVIATION = 3.0 / 255.0
_EDGE_GAIN = 1.8
# The subject's wide box is looked at again when it fills less than this share of the photo.
_CLOSE_SHARE = 0.6


class SubjectNotFoundError(ValueError):
    """A photo in which no subject stands out."""


@dataclass(frozen=True, kw_only=True)
class Matte:
    """How much of every pixel belongs to the subject.

    Attributes:
        alpha: float32 [H, W] in 0–1.
        coverage: mean of alpha over the photo, 0–1.
    """

    alpha: FloatArray
    coverage: float


class Matting:
    """Finds the subject of a photo and cuts it out."""

    def __init__(self, path: Path | str, *, threads: int = 1, provider: Provider = "cpu") -> None:
        """Open the network.

        Args:
            path: the U2-Net-p graph.
            threads: intra-op threads of onnxruntime.
            provider: where it runs.
        """
        self.session = open_session(path, threads=threads, provider=provider)
        self._input = self.session.get_inputs()[0].name
        self._output = self.session.get_outputs()[0].name

    def matte(self, photo: Image.Image) -> Matte:
        """Find the subject.

        Args:
            photo: upright, any mode and size.

        Returns:
            The matte, of the photo's own size.

        Raises:
            SubjectNotFoundError: the picture is one colour, or what stands out covers under 1 % of it.
        """
        rgb = on_ground(photo)
        small = np.asarray(rgb.resize((NETWORK_EDGE, NETWORK_EDGE), Image.Resampling.BILINEAR), np.float32) / 255.0
        if float(small.std(axis=(0, 1)).max()) < _UNIFORM_DEVIATION:
            raise SubjectNotFoundError("The picture is one plain colour, so no subject could be found; try another.")
        saliency = self._closer_look(rgb, self._main_saliency(small))
        alpha = _refine(saliency, rgb)
        coverage = float(alpha.mean())
        if coverage < MINIMUM_COVERAGE:
            raise SubjectNotFoundError(
                f"No subject could be found: what stands out covers {coverage:.1%} of the picture and at least "
                f"{MINIMUM_COVERAGE:.0%} is needed. Try a photo where the thing is larger or stands out more."
            )
        return Matte(alpha=alpha, coverage=coverage)

    def saliency(self, photo: Image.Image) -> FloatArray:
        """Say how much each place of a photo stands out, by one look of the network: no choice of a subject, no edges.

        Args:
            photo: upright, any mode and size; it is squeezed to the network's square.

        Returns:
            float32 [320, 320] in 0–1.
        """
        small = on_ground(photo).resize((NETWORK_EDGE, NETWORK_EDGE), Image.Resampling.BILINEAR)
        return self._saliency(np.asarray(small, np.float32) / 255.0)

    @staticmethod
    def box(matte: Matte) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom of the subject in pixels of the photo."""
        return _subject_box(matte.alpha)

    def cut_out(self, photo: Image.Image, matte: Matte | None = None, *, margin: float = 0.06) -> Image.Image:
        """Cut the subject out.

        Args:
            photo: upright, any mode and size.
            matte: of this photo, where it is known already.
            margin: free border, as a share of the subject's longer side.

        Returns:
            RGBA with straight alpha, cropped to the subject, its longer side at most `WORKING_EDGE` before the margin.
            Edge colours are those of the subject alone: nothing of the old ground shines through.

        Raises:
            SubjectNotFoundError: see `matte`.
        """
        matte = matte if matte is not None else self.matte(photo)
        box = _subject_box(matte.alpha)
        rgb = on_ground(photo).crop(box)
        alpha = Image.fromarray(np.ascontiguousarray(matte.alpha[box[1] : box[3], box[0] : box[2]]))
        if max(rgb.size) > WORKING_EDGE:
            scale = WORKING_EDGE / max(rgb.size)
            size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
            rgb, alpha = rgb.resize(size, Image.Resampling.LANCZOS), alpha.resize(size, Image.Resampling.BILINEAR)
        alphas = np.asarray(alpha, np.float32)
        colours = foreground_colours(np.asarray(rgb, np.float32) / 255.0, alphas)
        pixels = np.concatenate([colours, alphas[..., None]], axis=-1)
        border = round(margin * max(rgb.size))
        # Edge padding continues the colours outwards under zero alpha, so resizing later brings no dark rim.
        padded = np.pad(pixels, ((border, border), (border, border), (0, 0)), mode="edge")
        outside = np.ones(padded.shape[:2], bool)
        outside[border : border + alphas.shape[0], border : border + alphas.shape[1]] = False
        padded[outside, 3] = 0.0
        return Image.fromarray(np.round(padded * 255.0).astype(np.uint8))

    def _main_saliency(self, pixels: FloatArray) -> FloatArray:
        saliency = self._saliency(pixels)
        return saliency * _main_regions(saliency)

    def _closer_look(self, rgb: Image.Image, coarse: FloatArray) -> Image.Image:
        """Look again at the subject's surroundings, where it is small enough that the network saw few of its pixels.

        Args:
            rgb: the photo.
            coarse: [320, 320] first saliency of all of it.

        Returns:
            Saliency at the working size, mode F, 0–1.
        """
        size = _working_size(rgb)
        first = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        if float(coarse.max()) <= 0.5:
            return first
        box = _wide_box(_subject_box(coarse), coarse.shape[1], coarse.shape[0])
        if (box[2] - box[0]) * (box[3] - box[1]) > _CLOSE_SHARE * coarse.size:
            return first
        left, right = (round(x * size[0] / NETWORK_EDGE) for x in (box[0], box[2]))
        top, bottom = (round(y * size[1] / NETWORK_EDGE) for y in (box[1], box[3]))
        scale = rgb.width / size[0], rgb.height / size[1]
        crop = (left * scale[0], top * scale[1], right * scale[0], bottom * scale[1])
        closer = rgb.resize((NETWORK_EDGE, NETWORK_EDGE), Image.Resampling.BILINEAR, box=crop)
        second = self._main_saliency(np.asarray(closer, np.float32) / 255.0)
        patch = np.asarray(Image.fromarray(second).resize((right - left, bottom - top), Image.Resampling.BICUBIC))
        # The first look knows what the subject is, the second where it ends: close up, it may fall for a part of the
        # subject or for the hand that holds it. So both count half, and nothing is added away from the first.
        near = Image.fromarray((coarse > 0.1).astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(9)).resize(size)
        merged = np.array(first, np.float32)
        allowed = np.asarray(near, np.float32)[top:bottom, left:right] / 255.0
        merged[top:bottom, left:right] = (merged[top:bottom, left:right] + patch * allowed) / 2
        return Image.fromarray(merged)

    def _saliency(self, pixels: FloatArray) -> FloatArray:
        """Run the network on [320, 320, 3] in 0–1; returns [320, 320] in 0–1."""
        peak = max(float(pixels.max()), 1e-6)
        normalised = (pixels / peak - np.asarray(IMAGENET_MEAN, np.float32)) / np.asarray(IMAGENET_STD, np.float32)
        batch = np.ascontiguousarray(normalised.transpose(2, 0, 1)[None].astype(np.float32))
        saliency: FloatArray = self.session.run([self._output], {self._input: batch})[0][0, 0]
        return np.clip(saliency, 0.0, 1.0)


def foreground_colours(image: FloatArray, alpha: FloatArray) -> FloatArray:
    """Estimate the subject's own colours where the photo mixes them with the ground.

    Blur-fusion estimation, applied twice: local means of foreground and background, then the residual of the matting
    equation (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 3–6).

    Args:
        image: [H, W, 3] in 0–1, mixed colours.
        alpha: [H, W] in 0–1.

    Returns:
        [H, W, 3] in 0–1. Where alpha is 0, colours of the subject nearby, never those of the ground.
    """
    mixed = torch.from_numpy(np.array(image, np.float32)).permute(2, 0, 1)
    cover = torch.from_numpy(np.array(alpha, np.float32))[None]
    longer = max(alpha.shape)
    foreground, background = mixed, mixed
    for radius in (max(2, round(longer * 0.09)), max(1, round(longer * 0.006))):
        foreground, background = _blur_fusion(mixed, foreground, background, cover, radius)
    return foreground.permute(1, 2, 0).numpy()


def _blur_fusion(
    mixed: torch.Tensor, foreground: torch.Tensor, background: torch.Tensor, cover: torch.Tensor, radius: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """One pass over [3, H, W] colours and [1, H, W] alpha."""
    # The paper weighs by alpha itself; its cube keeps half-mixed pixels out of the means where the edge is wide.
    inside, outside = cover**3, (1 - cover) ** 3
    near_foreground = _box_mean(foreground * inside, radius) / (_box_mean(inside, radius) + 1e-6)
    near_background = _box_mean(background * outside, radius) / (_box_mean(outside, radius) + 1e-6)
    residual = mixed - cover * near_foreground - (1 - cover) * near_background
    return (near_foreground + cover * residual).clamp(0, 1), near_background.clamp(0, 1)


def _box_mean(planes: torch.Tensor, radius: int) -> torch.Tensor:
    """Mean over squares of edge 2·radius + 1 around every pixel of [C, H, W], borders counted less."""
    rows = functional.avg_pool2d(planes, (2 * radius + 1, 1), 1, (radius, 0), count_include_pad=False)
    return functional.avg_pool2d(rows, (1, 2 * radius + 1), 1, (0, radius), count_include_pad=False)


def _working_size(rgb: Image.Image) -> tuple[int, int]:
    scale = min(1.0, WORKING_EDGE / max(rgb.size))
    return max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))


def _refine(saliency: Image.Image, rgb: Image.Image) -> FloatArray:
    """Bring saliency at the working size to the photo's size, its edge drawn to the photo's own edges.

    Guided filter (He et al., "Guided Image Filtering", 2010) on the luminance; it may only move the matte near its
    edge, for inside a solid subject it would copy the subject's texture into the matte.
    """
    grey = rgb.resize(saliency.size, Image.Resampling.BILINEAR).convert("L")
    guide = torch.from_numpy(np.array(grey, np.float32) / 255.0)[None]
    matte = torch.from_numpy(np.array(saliency, np.float32)).clamp(0, 1)[None]
    radius = max(1, round(max(saliency.size) / 128))
    guided = _guided_filter(matte, guide, radius=radius, regularisation=1e-3)
    refined = torch.where((_box_mean(matte, radius) - 0.5).abs() < 0.49, guided, matte)
    # The network rarely says a plain 0 or 1; a steeper edge clears the fog around fur and makes subjects solid.
    refined = ((refined - 0.5) * _EDGE_GAIN + 0.5).clamp(0, 1)
    full = Image.fromarray(refined[0].numpy()).resize(rgb.size, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(full, np.float32), 0.0, 1.0)


def _guided_filter(matte: torch.Tensor, guide: torch.Tensor, *, radius: int, regularisation: float) -> torch.Tensor:
    """Filter [1, H, W] by a [1, H, W] guide, both in 0–1."""
    mean_guide, mean_matte = _box_mean(guide, radius), _box_mean(matte, radius)
    covariance = _box_mean(guide * matte, radius) - mean_guide * mean_matte
    variance = _box_mean(guide * guide, radius) - mean_guide * mean_guide
    slope = covariance / (variance + regularisation)
    offset = mean_matte - slope * mean_guide
    return (_box_mean(slope, radius) * guide + _box_mean(offset, radius)).clamp(0, 1)


def _subject_box(alpha: FloatArray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is more than barely visible."""
    rows = np.flatnonzero((alpha > 0.05).any(axis=1))
    columns = np.flatnonzero((alpha > 0.05).any(axis=0))
    if not len(rows):
        raise SubjectNotFoundError("The matte is empty, so there is no subject to cut out.")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _wide_box(box: tuple[int, int, int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """Widen a box by a fifth of its longer side on every side, within the picture."""
    margin = round(0.2 * max(box[2] - box[0], box[3] - box[1]))
    return max(0, box[0] - margin), max(0, box[1] - margin), min(width, box[2] + margin), min(height, box[3] + margin)


def _main_regions(coarse: FloatArray) -> FloatArray:
    """Mask [H, W] of 0 and 1: the regions worth keeping, with what touches them, without the small islands."""
    labels, areas = label_regions(coarse > 0.1)
    if not len(areas):
        return np.ones_like(coarse)
    # Weighted by the matte: a wide faint smear must not outweigh the subject.
    weights = np.bincount(labels.ravel(), weights=coarse.ravel(), minlength=len(areas) + 1)[1:]
    kept = np.concatenate([[True], weights >= ISLAND_SHARE * weights.max()])
    mask: FloatArray = kept[labels].astype(np.float32)
    return mask


def label_regions(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the 8-connected regions of a mask.

    Args:
        mask: bool [H, W].

    Returns:
        labels int [H, W], 0 outside and 1… inside, and the regions' areas in pixels.
    """
    parents: list[int] = [0]
    labels = np.zeros(mask.shape, np.int64)
    above: list[tuple[int, int, int]] = []
    for row, line in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        runs: list[tuple[int, int, int]] = []
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            touching = {_root(parents, label) for left, right, label in above if left <= stop and right >= start}
            label = min(touching, default=len(parents))
            if not touching:
                parents.append(label)
            for other in touching:
                parents[other] = label
            labels[row, start:stop] = label
            runs.append((start, stop, label))
        above = runs
    roots, dense = np.unique([_root(parents, label) for label in range(len(parents))], return_inverse=True)
    labels = dense[labels]
    return labels, np.bincount(labels.ravel(), minlength=len(roots))[1:]


def _root(parents: list[int], label: int) -> int:
    while parents[label] != label:
        label = parents[label]
    return label
