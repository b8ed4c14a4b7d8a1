"""Makes the library of drawings that sketches are laid out from.

Drawings of held-out concepts are in it too, marked as such: training never reads the library, and a prompt for them is
drawn after a sketch like any other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from pipelines.mini.data.writer import read_corpus
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.loading import load_text_encoder
from pipelines.mini.text import mean_features
from pipelines.resolver import resolve

HEADS = Path(__file__).resolve().parents[3] / "configs" / "mini" / "heads.yaml"
MIRRORED = ("animals", "food")  # groups without writing


def train(config: dict, data: Path, out: Path) -> None:
    """Write ``out/library`` (it is one of the stages, hence its name)."""
    styles = config["denoiser"]["styles"]
    [(pictures, records)] = read_corpus(data, ["index"])
    kept = {
        (record["names"][0], record["style"]): row for row, record in enumerate(records) if record["style"] in styles
    }
    names = sorted({name for name, _ in kept})
    places = {name: place for place, name in enumerate(names)}
    heads = yaml.safe_load(HEADS.read_text(encoding="utf-8"))
    words = yaml.safe_load(Path(config["data"]).read_text())["styles"]
    library = DrawingLibrary.of(
        [np.asarray(pictures[row]) for row in kept.values()],
        concepts=[places[name] for name, _ in kept],
        styles=[styles.index(style) for _, style in kept],
        embeddings=mean_features(*load_text_encoder(resolve("minilm")), names).half(),
        names=names,
        style_words={style: words[style]["words"] for style in styles},
        mirrors=sorted({r["names"][0] for r in records if r["group"] in MIRRORED}),
        held_out=sorted({r["names"][0] for r in records if r["split"] == "test"}),
        heads={name: heads[name] for name in names if name in heads},
    )
    library.save_pretrained(out / "library")
