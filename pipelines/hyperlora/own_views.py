"""What a refinement sees of a subject: its cut-outs laid out as the embedded base lays out what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.hyperlora.refining import Views
from pipelines.mini.alike import Look
from pipelines.mini.casting import Actor
from pipelines.mini.colours import recolour_like
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.scene import article
from pipelines.mini.simplified import simplified

MOST = 6  # cut-outs; of more, as many are chosen evenly
ROUNDS = 2  # layouts of every cut-out in every style
PRIOR = 8  # drawings of the class


def own_views(
    pipeline: MiniPipeline,
    cutouts: Sequence[Image.Image],
    kind: str,
    coat: Sequence[str],
    look: Look | None = None,
) -> Views:
    """Lay cut-outs out in every style, and beside each the same in no other colours than its coat.

    Args:
        pipeline: with a library of drawings.
        cutouts: of the subject, RGBA.
        kind: class word.
        coat: main colours of the subject, see `pipelines.hyperlora.references.coat_of`.
        look: of the subject, see `pipelines.mini.alike`: what it is drawn after where no drawing is called by its kind.

    Raises:
        ValueError: the pipeline has no library.
    """
    captions = own_captions(pipeline, kind)
    cutouts = [
        cutouts[place] for place in np.linspace(0, len(cutouts) - 1, min(MOST, len(cutouts))).round().astype(int)
    ]
    plain = [Image.fromarray(recolour_like(np.asarray(simplified(cutout)), coat)) for cutout in cutouts]
    rows = list(product(range(len(cutouts)), captions, range(ROUNDS)))
    targets = [Actor(words=kind, cutout=cutouts[number]) for number, _, _ in rows]
    shown = [Actor(words=kind, cutout=plain[number]) for number, _, _ in rows]
    prior = [captions[number % len(captions)] for number in range(PRIOR)]
    texts = [caption for _, caption, _ in rows]
    return Views(
        targets=_pictures(pipeline, texts, targets),
        sketches=_pictures(pipeline, texts, shown),
        captions=texts,
        prior=_pictures(pipeline, prior, [Actor(words=kind, coat=coat, look=look)] * PRIOR),
        prior_captions=prior,
    )


def own_captions(pipeline: MiniPipeline, kind: str) -> list[str]:
    """Return how a subject is asked for in every style of the library."""
    if pipeline.library is None:
        raise ValueError("The pipeline has no library of drawings, after which a subject could be drawn.")
    return [f"{article(kind)}, {words[0]}" for words in pipeline.library.style_words.values()]


def _pictures(pipeline: MiniPipeline, captions: Sequence[str], actors: Sequence[Actor]) -> NDArray[np.uint8]:
    sketches = pipeline.sketch(captions, range(len(captions)), [[actor] for actor in actors])
    return np.stack([np.asarray(sketch.picture) for sketch in sketches if sketch is not None])
