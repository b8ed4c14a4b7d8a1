"""Individuals seen in several views: animation frames, characters with changing faces, 3D objects from many sides.

Build them with ``python -m pipelines.mini.data.individuals --out DIR [--cache DIR] [--size S] [--only PART]``. Writes
under DIR ``individuals.npy`` and ``individuals.jsonl`` (one row a view), ``individuals-credits.md`` and a contact sheet
of each part.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageDraw

from pipelines.mini.data.packages import Package, fetch
from pipelines.mini.data.writer import CorpusWriter, read_corpus

logger = logging.getLogger(__name__)

PARTS = ("animations", "characters", "objects")
HELD_OUT_PERCENT = 12
PAINTED = "-painted"
_MARGIN = 0.03


@dataclass(frozen=True, kw_only=True)
class Individual:
    """One individual, alone on transparent ground, in two to twelve views.

    Attributes:
        name: stable id, such as ``anim-1f436``; `held_out` splits by it.
        kind: the class as a prompt says it, such as ``dog``.
        style: the style of the corpus that it looks most like.
        pictures: uint8 [S, S, 4] each, straight alpha, fitted and centred.
        views: what differs from picture to picture, as caption words (``smiling``), or the empty string.
        source: package and version (``name@version``), then a comma and the maker where a package has several.
    """

    name: str
    kind: str
    style: str
    pictures: tuple[np.ndarray, ...]
    views: tuple[str, ...]
    source: str


def held_out(name: str) -> bool:
    """Return whether training must never see the individual.

    The rule is fixed: the first 32 bits of the SHA-256 of the name, taken modulo 100, lie below 12. It depends on
    nothing else, so an individual stays on its side when others come or go. A painted copy (``…-painted``) has its
    original's shape and goes where that goes.
    """
    shape = name.removesuffix(PAINTED)
    return int(hashlib.sha256(shape.encode()).hexdigest()[:8], 16) % 100 < HELD_OUT_PERCENT


def fit_views(views: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, ...]:
    """Centre views of one individual and enlarge them all by one factor, so that the widest fills the canvas.

    Args:
        views: uint8 [H, W, 4], straight alpha, none of them empty.
        size: edge of the square results in pixels.

    Raises:
        ValueError: a view is empty.
    """
    boxes = [_box(view) for view in views]
    edge = max(max(right - left, bottom - top) for left, top, right, bottom in boxes)
    side = round(edge * (1 + 2 * _MARGIN))
    return tuple(_cut(view, box, side, size) for view, box in zip(views, boxes, strict=True))


def _box(view: np.ndarray) -> tuple[int, int, int, int]:
    box = Image.fromarray(view[..., 3]).point(lambda alpha: 255 * (alpha > 8)).getbbox()
    if box is None:
        raise ValueError("A view of an individual is empty; leave such views out.")
    return box


def _cut(view: np.ndarray, box: tuple[int, int, int, int], side: int, size: int) -> np.ndarray:
    left, top = (box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2
    square = Image.fromarray(view).crop((left, top, left + side, top + side))
    # Resized premultiplied ("RGBa"): otherwise the colour of transparent pixels bleeds into the edge. The filter has no
    # negative lobes: Lanczos would draw a brighter line along every outline.
    return np.asarray(square.convert("RGBa").resize((size, size), Image.Resampling.HAMMING).convert("RGBA"))


def packages(parts: Sequence[str] = PARTS) -> tuple[Package, ...]:
    """Return what the named parts are made from, with licences and credits, for the manifest and the credits file."""
    # The readers import `Individual` from here, so they can only be imported once this module stands.
    from pipelines.mini.data import animations, characters, objects3d

    found = {"animations": animations.PACKAGES, "characters": characters.PACKAGES, "objects": objects3d.PACKAGES}
    return tuple(package for part in parts for package in found[part])


def credit_lines(individuals: Sequence[Individual], parts: Sequence[str] = PARTS) -> list[str]:
    """Return a line a package: whom its licence asks to credit, the makers that `individuals` name among them."""
    lines = []
    for package in packages(parts):
        sources = [individual.source.partition(", ") for individual in individuals]
        makers = {maker for name, _, maker in sources if name == f"{package.name}@{package.version}" and maker}
        named = f" ({', '.join(sorted(makers))})" if makers else ""
        lines.append(f"- {package.credit}{named}: {package.name} {package.version}, {package.licence}")
    return lines


def read_part(part: str, config: dict, cache: Path, size: int) -> Iterator[Individual]:
    """Yield the individuals of one of `PARTS`; `config` is that of the corpus (concept names and holdout)."""
    from pipelines.mini.data import animations, characters, objects3d
    from pipelines.mini.data.concepts import read_concepts

    if part == "animations":
        concepts = read_concepts(fetch(Package(**config["names"]), cache), Path(config["holdout"]))
        yield from animations.read_animations([fetch(p, cache) for p in animations.PACKAGES], concepts, size)
    elif part == "characters":
        yield from characters.make_characters(cache, size)
    else:
        yield from objects3d.render_objects(objects3d.fetch_models(cache), size)


def split_of(individual: Individual, held_out_kinds: frozenset[str]) -> str:
    """Return ``test`` for an individual that is held out itself or whose kind is, else ``train``."""
    return "test" if held_out(individual.name) or individual.kind in held_out_kinds else "train"


def read_individuals(folder: Path) -> list[Individual]:
    """Read what `write_individuals` wrote."""
    [(pictures, rows)] = read_corpus(folder, ["individuals"])
    views: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        views.setdefault(row["identity"], []).append(place)
    return [
        Individual(
            name=name,
            kind=rows[places[0]]["kind"],
            style=rows[places[0]]["style"],
            pictures=tuple(np.asarray(pictures[place]) for place in places),
            views=tuple(rows[place]["words"] for place in places),
            source=rows[places[0]]["source"],
        )
        for name, places in views.items()
    ]


def records(individual: Individual, held_out_kinds: frozenset[str]) -> Iterator[dict]:
    """Yield the record of each view; an individual of a held-out kind is held out as well."""
    for view, words in enumerate(individual.views):
        yield {
            "identity": individual.name,
            "view": view,
            "split": split_of(individual, held_out_kinds),
            "kind": individual.kind,
            "style": individual.style,
            "words": words,
            "source": individual.source,
        }


def contact_sheet(individuals: Sequence[Individual], columns: int = 3, count: int = 90) -> Image.Image:
    """Return a picture of at most `count` individuals, taken evenly: a strip of views each, its name beneath."""
    chosen = individuals[:: max(1, -(-len(individuals) // count))]
    edge = chosen[0].pictures[0].shape[0]
    width, height = edge * max(len(individual.pictures) for individual in chosen), edge + 28
    sheet = Image.new("RGB", (columns * width, -(-len(chosen) // columns) * height), (236, 234, 228))
    brush = ImageDraw.Draw(sheet)
    for place, individual in enumerate(chosen):
        left, top = place % columns * width, place // columns * height
        for view, (picture, words) in enumerate(zip(individual.pictures, individual.views, strict=True)):
            drawn = Image.fromarray(picture)
            sheet.paste(drawn, (left + view * edge, top), drawn)
            brush.text((left + view * edge + 2, top + edge), words, (58, 54, 48))
        brush.text((left + 2, top + edge + 12), f"{individual.name}: {individual.kind}", (58, 54, 48))
    return sheet


def write_individuals(individuals: Sequence[Individual], out: Path, size: int, held_out_kinds: frozenset[str]) -> None:
    """Write ``individuals.npy`` and ``individuals.jsonl`` under `out`."""
    views = sum(len(individual.pictures) for individual in individuals)
    with CorpusWriter(out, "individuals", views, size) as writer:
        for individual in individuals:
            for picture, record in zip(individual.pictures, records(individual, held_out_kinds), strict=True):
                writer.add(picture, record)


def main() -> None:
    """Parse the arguments and build the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/mini/data.yaml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("data/packages"))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--only", choices=PARTS, help="build this part alone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    config = yaml.safe_load(arguments.config.read_text())
    held_out_kinds = frozenset(yaml.safe_load(Path(config["holdout"]).read_text())["concepts"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    individuals: list[Individual] = []
    parts = [arguments.only] if arguments.only else PARTS
    for part in parts:
        started = time.monotonic()
        found = list(read_part(part, config, arguments.cache, arguments.size))
        views, kinds = sum(len(individual.pictures) for individual in found), Counter(i.kind for i in found)
        seconds = time.monotonic() - started
        logger.info("%s: %d individuals of %d kinds, %d views, %.0f s", part, len(found), len(kinds), views, seconds)
        contact_sheet(found).save(arguments.out / f"individuals-{part}.png")
        individuals += found
    write_individuals(individuals, arguments.out, arguments.size, held_out_kinds)
    (arguments.out / "individuals-credits.md").write_text("\n".join(credit_lines(individuals, parts)) + "\n")


if __name__ == "__main__":
    main()
