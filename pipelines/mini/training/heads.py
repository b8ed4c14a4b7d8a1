"""Fits the probe that finds heads on cut-outs, to drawings of the library whose heads were measured by hand.

    python -m pipelines.mini.training.heads [--library assets/mini/library]

It says how well the heads of kinds are found that the probe was not fitted to, and writes ``head_probe.json``.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.references import TokenEncoder
from pipelines.mini.heads import CELLS, HeadProbe, framed, head_box, patches
from pipelines.mini.library import DrawingLibrary
from pipelines.resolver import resolve

BOXES = Path(__file__).resolve().parents[3] / "configs" / "mini" / "head_boxes.yaml"
RIDGE = 1000.0  # of the least squares; patches have variance 1
FOLDS = 6
Box = tuple[float, float, float, float]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """A view of a drawing: patches [T, D], which show something, and the head's box in patches, if it has one."""

    kind: str
    tokens: NDArray[np.float32]
    seen: NDArray[np.bool_]
    box: Box | None

    @property
    def wanted(self) -> NDArray[np.float64]:
        """Shares of the patches that the box covers [T]."""
        if self.box is None:
            return np.zeros(CELLS * CELLS)
        starts = np.arange(CELLS)
        across, down = (
            np.clip(np.minimum(starts + 1, high) - np.maximum(starts, low), 0, 1)
            for low, high in ((self.box[0], self.box[2]), (self.box[1], self.box[3]))
        )
        return np.outer(down, across).ravel()


def examples(library: DrawingLibrary, measured: dict[str, Any], encoder: TokenEncoder) -> list[Example]:
    """Return two examples for each drawing, as it is and in the mirror.

    Args:
        library: the drawings.
        measured: ``boxes``: kind → style → box in shares of the edge; ``headless``: kinds that have no head.
        encoder: gives the patches.
    """
    styles = list(library.style_words)
    wanted = [(kind, styles.index(style), box) for kind, of in measured["boxes"].items() for style, box in of.items()]
    for kind in measured["headless"]:
        wanted += [(kind, style, None) for style in library.drawn_styles(_concept(library, kind))]
    return [
        example
        for kind, style, box in wanted
        for example in _views(kind, library.picture(_concept(library, kind), style), box, encoder)
    ]


def _concept(library: DrawingLibrary, kind: str) -> int:
    concept = library.concept(kind)
    if concept is None:
        raise ValueError(f"{BOXES.name} names {kind!r}, of which the library has no drawing.")
    return concept


def _views(kind: str, picture: Image.Image, box: Box | None, encoder: TokenEncoder) -> list[Example]:
    shown, (left, top, edge) = framed(picture)
    views = []
    for mirror in (False, True):
        view = shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else shown
        tokens, seen = patches(view, encoder)
        place = None
        if box is not None:
            x, y = ((box[at] * picture.width - left) / edge * CELLS for at in (0, 2)), (box[1], box[3])
            low, high = sorted(CELLS - value if mirror else value for value in x)
            above, below = ((value * picture.height - top) / edge * CELLS for value in y)
            place = (low, above, high, below)
        views.append(Example(kind=kind, tokens=tokens, seen=seen, box=place))
    return views


def fit(rows: Sequence[Example]) -> HeadProbe:
    """Fit by least squares with a ridge, which the offset is spared."""
    given = np.concatenate([row.tokens[row.seen] for row in rows]).astype(np.float64)
    wanted = np.concatenate([row.wanted[row.seen] for row in rows])
    given = np.c_[given, np.ones(len(given))]
    ridge = RIDGE * np.diag([*np.ones(given.shape[1] - 1), 0.0])
    solved = np.linalg.solve(given.T @ given + ridge, given.T @ wanted)
    return HeadProbe(solved[:-1].astype(np.float32), float(solved[-1]))


@dataclass(frozen=True, kw_only=True)
class Found:
    """How heads are found by probes that saw no drawing of their kind.

    Attributes:
        middle: share of heads whose middle is found within a third of the head's width.
        top: share of heads whose top is.
        falsely: share of things without a head in which one is found.
    """

    middle: float
    top: float
    falsely: float


def held_out(rows: Sequence[Example]) -> Found:
    """Measure, kinds in turn left out of the fit."""
    kinds = sorted({row.kind for row in rows})
    near, falsely = [], []
    for fold in range(min(FOLDS, len(kinds))):
        tested = set(kinds[fold::FOLDS])
        probe = fit([row for row in rows if row.kind not in tested])
        for row in (row for row in rows if row.kind in tested):
            box = head_box(probe.answers(row.tokens, row.seen))
            if row.box is None:
                falsely.append(box is not None)
            elif box is None:
                near.append((False, False))
            else:
                third = (row.box[2] - row.box[0]) / 3
                off = abs(box[0] + box[2] - row.box[0] - row.box[2]) / 2, abs(box[1] - row.box[1])
                near.append((off[0] < third, off[1] < third))
    middle, top = np.mean(near, axis=0)
    return Found(middle=float(middle), top=float(top), falsely=float(np.mean(falsely)) if falsely else 0.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--library", type=Path, default=Path("assets/mini/library"))
    options = parser.parse_args(arguments)
    measured = yaml.safe_load(BOXES.read_text(encoding="utf-8"))
    library = DrawingLibrary.from_pretrained(options.library)
    rows = examples(library, measured, ClipVisionEncoder(resolve("clip-vision")))
    found = held_out(rows)
    logger.info(
        "%d views; kinds not fitted to: middle within a third of a head %.1f %%, top %.1f %%; where none is %.1f %%",
        len(rows), 100 * found.middle, 100 * found.top, 100 * found.falsely,
    )  # fmt: skip
    fit(rows).write(options.library / "head_probe.json")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
