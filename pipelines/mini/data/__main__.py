"""Build the corpus: ``python -m pipelines.mini.data --config FILE --out DIR [--only PART] [--individuals DIR ...]``.

Writes under DIR: ``index`` (plain drawings), ``recolours``, ``scenes``, ``identities`` (each ``.npy`` and ``.jsonl``;
the last two with the sketches of their pictures beside them: ``scenes_sketches``, ``identities_sketches`` and, without
colours, ``identities_greys``), ``manifest.json`` (packages, versions, licences, checksums, counts) and ``CREDITS.md``.
Individuals that are no recoloured drawings (animations, characters, 3D objects) are made by ``python -m
pipelines.mini.data.individuals``; with ``--individuals DIR ...`` they are among the identities.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import yaml

from pipelines.mini.colours import COLOURS, colour_groups, raster_groups, recolour, recolour_pixels
from pipelines.mini.data import captions
from pipelines.mini.data.composed import Composer, Part
from pipelines.mini.data.concepts import read_concepts
from pipelines.mini.data.drawings import Drawing, by_codepoint, by_name, rasterise, read_style, slugs
from pipelines.mini.data.identities import View, make_identity, views, views_of
from pipelines.mini.data.individuals import Individual, read_individuals, split_of
from pipelines.mini.data.packages import Package, fetch
from pipelines.mini.data.writer import CorpusWriter, read_corpus
from pipelines.mini.scene import CALLED

logger = logging.getLogger(__name__)
PARTS = ("index", "recolours", "scenes", "identities")


class Corpus:
    """The drawings named by a configuration, and what is made from them."""

    def __init__(self, config: dict, cache: Path, out: Path, individuals: Sequence[Path] = ()) -> None:
        self._config, self._out, self._individuals = config, out, individuals
        self._size: int = config["size"]
        self._words: dict[str, list[str]] = {style: entry["words"] for style, entry in config["styles"].items()}
        self._packages = [Package(**config["names"])] + [
            Package(**entry["package"]) for entry in config["styles"].values()
        ]
        self._archives = {package.name: fetch(package, cache) for package in self._packages}
        holdout = Path(config["holdout"])
        self.concepts = read_concepts(self._archives[config["names"]["name"]], holdout)
        combinations = yaml.safe_load(holdout.read_text())
        pairs = (
            combinations["accessories"] + combinations["companions"] + combinations["places"] + combinations["colours"]
        )
        self._held_out = {(subject, other) for subject, other in pairs}
        self.drawings = self._read_drawings()

    def _read_drawings(self) -> list[Drawing]:
        found: list[Drawing] = []
        for style, entry in self._config["styles"].items():
            archive = self._archives[entry["package"]["name"]]
            if entry["reader"] == "name":
                reader = partial(by_name, archive, slugs(self.concepts))
            else:
                reader = partial(by_codepoint, archive, entry["folder"], entry["suffix"])
            drawings = read_style(style, reader, self.concepts)
            logger.info("%s: %d drawings", style, len(drawings))
            found += drawings
        return found

    def _rng(self, part: str) -> np.random.Generator:
        return np.random.default_rng([self._config["seed"], PARTS.index(part)])

    def write_index(self) -> None:
        """Write the plain drawings, training and held-out concepts, with their splits."""
        with CorpusWriter(self._out, "index", len(self.drawings), self._size) as writer:
            for drawing in self.drawings:
                concept = drawing.concept
                record = {
                    "id": f"{drawing.style}-{concept.code}",
                    "concept": concept.code,
                    "style": drawing.style,
                    "split": concept.split,
                    "group": concept.group,
                    "names": [concept.name],
                    "keywords": list(concept.keywords),
                    "captions": captions.plain_captions(concept, self._words[drawing.style]),
                }
                writer.add(rasterise(drawing.source, self._size), record)

    def _changeable(self) -> list[Drawing]:
        groups = ("animals", "food", "places", "objects", "activities")
        styles = self._config["changed_styles"]
        return [
            d for d in self.drawings if d.concept.split == "train" and d.concept.group in groups and d.style in styles
        ]

    def write_recolours(self) -> None:
        """Write drawings whose one or two main colours are changed and captioned."""
        rng, drawings = self._rng("recolours"), self._changeable()
        total = self._config["recolours"]
        with CorpusWriter(self._out, "recolours", total, self._size) as writer:
            written = 0
            while written < total:
                drawing = drawings[int(rng.integers(len(drawings)))]
                wanted = tuple(str(c) for c in rng.choice(list(COLOURS), size=int(rng.integers(1, 3)), replace=False))
                if any((drawing.concept.name, colour) in self._held_out for colour in wanted):
                    continue
                changed = _recoloured(drawing, wanted, self._size)
                if changed is None:
                    continue
                picture, colours = changed
                record = {
                    "concept": drawing.concept.code,
                    "style": drawing.style,
                    "split": "train",
                    "captions": captions.colour_captions(drawing.concept.name, colours, self._words[drawing.style]),
                }
                writer.add(picture, record)
                written += 1

    def _composer(self) -> Composer:
        pictures, records = read_corpus(self._out, ["index"])[0]
        parts = [
            Part(name=record["names"][0], style=record["style"], group=record["group"], picture=pictures[row])
            for row, record in enumerate(records)
            if record["split"] == "train" and record["style"] in self._config["changed_styles"]
        ]
        return Composer(parts, self._words, self._held_out, self._size)

    def write_scenes(self) -> None:
        """Write composed scenes and their sketches, with the subject's box in shares of the edge."""
        rng, composer, total = self._rng("scenes"), self._composer(), self._config["scenes"]
        with (
            CorpusWriter(self._out, "scenes", total, self._size) as writer,
            CorpusWriter(self._out, "scenes_sketches", total, self._size) as sketches,
        ):
            written = 0
            while written < total:
                drawn = composer.draw(rng)
                if drawn is not None:
                    composed, record = drawn
                    writer.add(composed.picture, record | {"box": _box(composed.mask)})
                    sketches.add(composed.sketch, {})
                    written += 1

    def write_identities(self) -> None:
        """Write individuals, each in several views, with both sketches of every view; a share of them is held out."""
        rng, composer = self._rng("identities"), self._composer()
        options = self._config["identities"]
        known = [read_individuals(folder) for folder in self._individuals]
        most = options["count"] * options["views"] + sum(len(one.pictures) for part in known for one in part)
        with (
            CorpusWriter(self._out, "identities", most, self._size) as writer,
            CorpusWriter(self._out, "identities_sketches", most, self._size) as sketches,
            CorpusWriter(self._out, "identities_greys", most, self._size) as greys,
        ):
            made = chain(self._recoloured(composer, rng), *(self._seen(part, composer, rng) for part in known))
            for record, found in made:
                for number, view in enumerate(found):
                    shown = {"view": number, "caption": view.caption, "alone": view.alone, "box": _box(view.mask)}
                    writer.add(view.picture, record | shown)
                    sketches.add(view.sketch, {})
                    greys.add(view.greys, {})

    def _recoloured(self, composer: Composer, rng: np.random.Generator) -> Iterator[tuple[dict, list[View]]]:
        """Yield individuals made from drawings: what is recorded of each, and its views."""
        drawings, options = self._changeable(), self._config["identities"]
        heldout_from = round(options["count"] * (1 - options["heldout_share"]))
        made = 0
        while made < options["count"]:
            drawing = drawings[int(rng.integers(len(drawings)))]
            identity = make_identity(drawing, self._size, rng)
            if identity is None:
                continue
            record = {
                "identity": f"identity-{made:05d}",
                "split": "train" if made < heldout_from else "test",
                "kind": identity.part.name,
                "style": identity.part.style,
                "colours": list(identity.colours),
            }
            yield record, views(identity, composer, options["views"], self._words[drawing.style], rng)
            made += 1

    def _seen(
        self, individuals: list[Individual], composer: Composer, rng: np.random.Generator
    ) -> Iterator[tuple[dict, list[View]]]:
        """Yield individuals that are no recoloured drawings, as `_recoloured` does; their class must be drawn."""
        drawings = {(drawing.style, drawing.concept.name): drawing for drawing in self.drawings}
        held_out_kinds = frozenset(drawing.concept.name for drawing in self.drawings if drawing.concept.split == "test")
        for individual in individuals:
            drawing = drawings.get((individual.style, CALLED.get(individual.kind, individual.kind)))
            if drawing is None:
                continue
            plain = rasterise(drawing.source, self._size)
            part = Part(name=individual.kind, style=individual.style, group=drawing.concept.group, picture=plain)
            record = {
                "identity": individual.name,
                "split": split_of(individual, held_out_kinds),
                "kind": individual.kind,
                "style": individual.style,
            }
            words, most = self._words[individual.style], self._config["identities"]["views"]
            yield record, views_of(individual, part, composer, most, words, rng)

    def write_manifest(self) -> None:
        """Write what the corpus was made of, and the credits its licences ask for."""
        packages = [vars(package) for package in self._packages]
        counts = {
            part: len((self._out / f"{part}.jsonl").read_text().splitlines())
            for part in PARTS
            if (self._out / f"{part}.jsonl").exists()
        }
        manifest = {"config": self._config, "packages": packages, "concepts": len(self.concepts), "counts": counts}
        (self._out / "manifest.json").write_text(json.dumps(manifest, indent=2, default=str) + "\n")
        lines = [f"- {p.credit}: {p.name} {p.version}, {p.licence}" for p in self._packages]
        (self._out / "CREDITS.md").write_text(
            "# Credits\n\nThe models were trained on drawings of these sets.\n\n" + "\n".join(lines) + "\n"
        )


def _recoloured(drawing: Drawing, colours: tuple[str, ...], size: int) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Return the drawing in other colours and those that were put in; None where it has no colour to change."""
    if isinstance(drawing.source, str):
        groups = colour_groups(drawing.source)
        changed = recolour(drawing.source, colours, groups)
        return (rasterise(changed.svg, size), changed.colours) if groups else None
    picture = rasterise(drawing.source, size)
    masks = raster_groups(picture)
    return (recolour_pixels(picture, colours, masks), colours[: len(masks)]) if masks else None


def _box(mask: np.ndarray) -> list[float]:
    rows, columns = np.flatnonzero(mask.max(axis=1) > 127), np.flatnonzero(mask.max(axis=0) > 127)
    if not len(rows):
        return [0.0, 0.0, 0.0, 0.0]
    size = mask.shape[0]
    return [round(float(v) / size, 4) for v in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]


def main() -> None:
    """Parse the arguments and build the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/mini/data.yaml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("data/packages"))
    parser.add_argument("--size", type=int, help="edge in pixels instead of the configuration's")
    parser.add_argument("--only", choices=PARTS, help="build this part alone")
    parser.add_argument(
        "--individuals", type=Path, nargs="*", default=(), help="folders of further individuals, see above"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    config = yaml.safe_load(arguments.config.read_text())
    corpus = Corpus(
        config | {"size": arguments.size or config["size"]}, arguments.cache, arguments.out, arguments.individuals
    )
    for part in [arguments.only] if arguments.only else PARTS:
        logger.info("writing %s", part)
        getattr(corpus, f"write_{part}")()
    corpus.write_manifest()


if __name__ == "__main__":
    main()
