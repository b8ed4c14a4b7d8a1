"""What a thing is drawn after whose name the library lacks: by meaning alone, by looks alone, by both.

    python -m tests.bench.bench_alike [--things 300] [--out FILE.json]

Things of the library are forgotten one at a time. A drawing of each in one style, made to look like a photo, is what is
known of its looks; how near the drawing that is chosen instead comes to the thing's own one in another style says
DINOv2, which chooses nothing. The weight of meaning that is shipped was looked at on photos; every weight is shown for
either half of the things. After ± the standard error over things.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.features.image_encoders import ClipVisionEncoder, DinoV2Encoder
from pipelines.hyperlora.identities import photo_like
from pipelines.hyperlora.references import look_of, reference_tokens
from pipelines.mini.alike import MEANING
from pipelines.mini.library import DrawingLibrary
from pipelines.resolver import resolve

WEIGHTS = (1e-6, 0.2, 0.35, MEANING, 0.75, 1.0, 2.0)  # the first: looks alone
BY_MEANING = "meaning alone"


class Forgetting:
    """Forgets things of a library one at a time and finds others in their place.

    Args:
        library: with what its drawings look like.
        meanings: of its names, [K, D], unit length.
    """

    def __init__(self, library: DrawingLibrary, meanings: NDArray[np.float32]) -> None:
        if library.looks is None:
            raise ValueError("The library does not know what its drawings look like; see `pipelines.mini.alike`.")
        self._library, self._looks, self._meanings = library, library.looks, meanings
        self._clip, self._dino = ClipVisionEncoder(resolve("clip-vision")), DinoV2Encoder(resolve("dinov2"))

    def score(self, thing: int) -> dict[str, float]:
        """Return for every way how near what it chooses comes to the thing's own drawing."""
        known, shown, *_ = self._library.drawn_styles(thing)
        photo = photo_like(self._library.picture(thing, known), np.random.default_rng(thing))
        looks = self._looks.likeness(look_of(reference_tokens([photo], self._clip)))
        meanings = self._meanings @ self._meanings[thing]
        meanings[thing] = -np.inf
        chosen = {BY_MEANING: int(meanings.argmax())}
        chosen |= {f"looks + {weight:g} × meaning": int((looks + weight * meanings).argmax()) for weight in WEIGHTS}
        places = sorted({thing, *chosen.values()})
        features = self._dino.embed([self._library.picture(place, shown) for place in places])
        own = features[places.index(thing)]
        return {way: float(features[places.index(place)] @ own) for way, place in chosen.items()}


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--things", type=int, default=300)
    parser.add_argument("--out", type=Path, help="JSON file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    library = DrawingLibrary.from_pretrained(options.base / "library")
    bench = Forgetting(library, library.meanings.numpy())
    drawn = [thing for thing in range(len(library.names)) if len(library.drawn_styles(thing)) > 1]
    chosen = np.random.default_rng(0).permutation(drawn)[: options.things]
    rows = [bench.score(int(thing)) for thing in chosen]
    found = {}
    for way in rows[0]:
        scores = np.array([row[way] for row in rows])
        found[way] = {
            "all": round(float(scores.mean()), 4),
            "error": round(float(scores.std(ddof=1) / len(scores) ** 0.5), 4),
            "halves": [round(float(half.mean()), 4) for half in (scores[::2], scores[1::2])],
        }
        print(
            f"{way:<24}{found[way]['all']:.3f} ± {found[way]['error']:.3f}   halves {found[way]['halves']}", flush=True
        )
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
