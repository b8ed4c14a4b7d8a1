"""The hypernetwork beside other ways of personalizing the same frozen base, in one table.

    python -m tests.bench.bench_personalization --data DIR [--identities 2] [--photos FOLDER --subjects 4]
        [--adapter FOLDER] [--out FILE.json] [--sheet FILE.png]

Held-out individuals, of which every way sees the one reference, and subjects of photos, of which it sees three; the
likeness is measured on the views that are left. Every row of the table has the same prompts, seeds, layouts and number
of steps, and is drawn in one of two ways: *plain*, the class's drawing dressed as the personal model expects it and
drawn by that model alone, or *HM-CFG*, as the studio draws: its drawing dressed with the help of the photos' main
colours (its coat), and hybrid-model guidance at fidelity 0.7.

DreamBooth's LoRA has the hypernetwork's rank and layers; its checkpoints are those of one run. What is learned by
gradients learns from what a refinement sees (`pipelines.hyperlora.own_views`), half of it shown without colours.

Columns: cosines of DINOv2 and of CLIP with the mean of the views; the studio's likeness meter (0–1); distance of mean
colours in CIELAB; cosine of picture and prompt in the text-image model; 1 less the mean cosine (DINOv2) of pictures of
the first prompt; seconds from references to the first picture; how much the resident memory grew while learning,
beyond the loaded models; KB to be kept. After ± the standard error over individuals.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Branch, Guidance
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.references import coat_of
from pipelines.hyperlora.sampling import RowDenoiser, branch_conditions, draw
from pipelines.matting import Matting
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.casting import Actor
from pipelines.mini.scene import article
from pipelines.mini.sketching import FOLLOW_DRAWING
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from tests.bench.baselines.learning import CLASS, CONDITIONED, INVERTED, PREDICTED, REFINED, Learner, dreambooth
from tests.bench.baselines.method import Learned, LearnedDresser
from tests.bench.bench_hyperlora import Judge, Subjects, bench_parser

SEEDS = 4  # of the first prompt; the others have one
FIDELITY = 0.7
PROMPTS = ("{}", "{} wearing a crown", "{} next to a balloon", "{} at the beach")
PHOTO_PROMPTS = ("{}", "{} on the beach", "{} in the snow", "{} in the jungle")  # of the DreamBooth set
PHOTO_STYLE = "soft style"
SEEN = 3  # photos of a subject that are its references
COLUMNS = ("dino", "clip", "meter", "colour distance", "text", "diversity", "seconds", "memory MB", "file KB")
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: what was learned, by whose references, and whether it is drawn as the studio draws."""

    name: str
    learned: str
    other: bool = False
    hybrid: bool = False

    def guidance(self, text: float) -> Guidance:
        """Return how it is guided, the prompt pulling with `text`."""
        return Guidance.from_fidelity(FIDELITY, text) if self.hybrid else Guidance.steady(1.0, text, "plain")


def rows(checkpoints: Sequence[int], *, adapter: bool) -> tuple[Row, ...]:
    """Return the rows of a table."""
    both = [(f"DreamBooth-LoRA, {steps} steps", dreambooth(steps)) for steps in checkpoints]
    both += [("textual inversion", INVERTED)]
    both = [("image conditioning", CONDITIONED), *both] if adapter else both
    return (
        Row(name="class word (base)", learned=CLASS),
        Row(name="another's LoRA", learned=PREDICTED, other=True),
        Row(name="hypernetwork's LoRA", learned=PREDICTED),
        Row(name="hypernetwork + HM-CFG", learned=PREDICTED, hybrid=True),
        Row(name="hypernetwork + HM-CFG + refine", learned=REFINED, hybrid=True),
        *(Row(name=name, learned=learned) for name, learned in both),
        *(Row(name=f"{name} + HM-CFG", learned=learned, hybrid=True) for name, learned in both),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """Subjects, all the references that are given of each, and the prompts they are drawn by."""

    name: str
    subjects: Subjects
    given: list[list[Image.Image]]
    prompts: Sequence[str]

    @classmethod
    def individuals(cls, folder: Path, count: int, styles: Sequence[str]) -> Case:
        """Read at most `count` held-out individuals of each family."""
        subjects = Subjects.read(folder, count, styles)
        given = [[reference] for reference in subjects.references]
        case = cls(name="held-out individuals", subjects=subjects, given=given, prompts=PROMPTS)
        families = subjects.families
        return case.of(sorted(range(len(given)), key=lambda number: families[:number].count(families[number])))

    @classmethod
    def photos(cls, folder: Path, count: int, matting: Matting) -> Case:
        """Read `count` subjects of a set such as DreamBooth's, spread evenly over its folders, and cut them out."""
        classes = dict(line.split(",") for line in _table((folder / "prompts_and_classes.txt").read_text()))
        names = sorted(name for name in classes if (folder / name).is_dir())
        chosen = [names[place] for place in np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)]
        cut = [[_cut_out(file, matting) for file in sorted((folder / name).glob("*.jpg"))] for name in chosen]
        subjects = Subjects(
            ["photos"] * len(chosen),
            [cutouts[0] for cutouts in cut],
            [article(classes[name]) for name in chosen],
            [PHOTO_STYLE] * len(chosen),
            [cutouts[SEEN:] for cutouts in cut],
        )
        return cls(name="photos", subjects=subjects, given=[one[:SEEN] for one in cut], prompts=PHOTO_PROMPTS)

    def of(self, numbers: Sequence[int]) -> Case:
        """Return some of the subjects, in this order."""
        columns = ([one[number] for number in numbers] for one in vars(self.subjects).values())
        given = [self.given[number] for number in numbers]
        return dataclasses.replace(self, subjects=Subjects(*columns), given=given)

    def others(self) -> list[int]:
        """Return for each subject another one, of its family where there is one."""
        count = len(self.given)
        return [(n + 1) % count if other == n else other for n, other in enumerate(self.subjects.others())]

    def kind(self, number: int) -> str:
        """Return a subject's class word without its article."""
        return self.subjects.words[number].removeprefix("a ").removeprefix("an ")

    def texts(self, number: int) -> list[str]:
        """Return what a subject is drawn by: every prompt, then the first again for every further seed."""
        word, style = self.subjects.words[number], self.subjects.styles[number]
        texts = [f"{prompt.format(word)}, {style}" for prompt in self.prompts]
        return texts + texts[:1] * (SEEDS - 1)

    def seeds(self, number: int) -> list[int]:
        """Return the seeds of these texts, of noise and layout."""
        return [SEEDS * number] * len(self.prompts) + [SEEDS * number + further for further in range(1, SEEDS)]


def _table(text: str) -> Iterator[str]:
    lines = text.splitlines()
    for line in lines[lines.index("subject_name,class") + 1 :]:
        if not line:
            return
        yield line


def _cut_out(file: Path, matting: Matting) -> Image.Image:
    with Image.open(file) as opened:
        return matting.cut_out(ImageOps.exif_transpose(opened).convert("RGB"))


@dataclass(frozen=True, eq=False)
class LearnedDenoiser(RowDenoiser):
    """Computes branches of guidance for rows of one thing, the personal ones as it was learned.

    Attributes:
        learned: of the thing.
        own_text: conditions of the prompts in the words learned for it.
    """

    learned: Learned
    own_text: Mapping[str, Tensor]

    @property
    def personal(self) -> bool:
        """Whether anything was learned."""
        return self.learned.personal

    def __call__(self, latents: Tensor, timestep: Tensor, branches: tuple[Branch, ...]) -> Tensor:
        """Predict for K·N rows in one call, in bfloat16; see `pipelines.hyperlora.guidance.Denoise`."""
        count = len(latents) // len(branches)
        parts = [branch_conditions(self.own_text if b.lora_scale else self.text, self.empty, [b]) for b in branches]
        conditions = {name: torch.cat([part[name] for part in parts]) for name in self.text}
        scales = torch.tensor([b.lora_scale for b in branches]).repeat_interleave(count)
        with torch.autocast(latents.device.type, torch.bfloat16), self.learned.adapting(scales):
            return self.base.predict(latents, timestep.expand(len(latents)), conditions).float()


class Drawer:
    """Draws subjects.

    Args:
        base: the frozen model.
        steps: denoising steps.
        guidance: pull of the prompt.
    """

    def __init__(self, base: EmbeddedBase, steps: int, guidance: float) -> None:
        self._base, self._steps, self._guidance = base, steps, guidance

    def draw(
        self, learned: Learned, row: Row, coat: Sequence[str], texts: Sequence[str], seeds: Sequence[int]
    ) -> list[Image.Image]:
        """Return a picture of every text; noise and layout depend on text and seed alone."""
        base, pipeline = self._base, self._base.pipeline
        dress = LearnedDresser(pipeline, learned, coat if row.hybrid else ())
        cast = [Actor(dress=dress)] if learned.personal else []
        sketches = pipeline.sketch(texts, seeds, [cast] * len(texts))
        pictures = [None if sketch is None else sketch.picture for sketch in sketches]
        shown = {"sketch": pipeline.encode_sketches(pictures)}
        denoiser = LearnedDenoiser(
            base,
            base.encode_text(texts) | shown,
            base.encode_text([""]),
            {},
            learned,
            learned.encode_text(base, texts) | shown,
        )
        noise = pipeline.prepare_latents(len(texts), seeds)
        return draw(denoiser, noise, row.guidance(self._guidance), self._steps, FOLLOW_DRAWING)


def measure(
    case: Case, learned: Sequence[Mapping[str, Learned]], table: Sequence[Row], drawer: Drawer, texts: TextImageModel
) -> tuple[Figures, dict[str, list[list[Image.Image]]]]:
    """Draw and measure all rows; returns row → figures, and row → pictures of every subject."""
    judge = Judge(case.subjects.views, ClipVisionEncoder(resolve("clip-vision")))
    wanted = [texts.embed_texts([p.format(word) for word in case.subjects.words]) for p in case.prompts]
    coats = [coat_of(cutouts) for cutouts in case.given]
    others, everybody = case.others(), range(len(case.given))
    found: Figures = {}
    drawn: dict[str, list[list[Image.Image]]] = {}
    for row in table:
        whose = others if row.other else list(everybody)
        own = [learned[place][row.learned] for place in whose]
        drawn[row.name] = pictures = [
            drawer.draw(own[n], row, coats[whose[n]], case.texts(n), case.seeds(n)) for n in everybody
        ]
        scores: dict[str, list[NDArray]] = {}
        for place, words in enumerate(wanted):
            shown = [pictures[n][place] for n in everybody]
            told = {"text": (texts.embed_images(shown) * words).sum(axis=1)}
            for key, value in (judge.compare(shown) | told).items():
                scores.setdefault(key, []).append(value)
        means = {key: np.mean(value, axis=0) for key, value in scores.items()}
        same = [[one[0], *one[len(case.prompts) :]] for one in pictures]
        means["diversity"] = np.array([judge.diversity(one) for one in same])
        found[row.name] = figures(means) | costs(own)
        print(line(row.name, found[row.name]), flush=True)
    return found, drawn


def figures(means: Mapping[str, NDArray]) -> dict[str, float]:
    """Return mean and standard error over the subjects [N] of every column."""
    found = {key: float(value.mean()) for key, value in means.items()}
    errors = {f"{key} error": float(value.std() / np.sqrt(len(value))) for key, value in means.items()}
    return {key: round(value, 4) for key, value in (found | errors).items()}


def costs(learned: Sequence[Learned]) -> dict[str, float]:
    """Return what the learning took: mean seconds, the largest memory, the mean size."""
    return {
        "seconds": round(float(np.mean([one.seconds for one in learned])), 3),
        "memory MB": round(max(one.memory for one in learned) / 2**20, 1),
        "file KB": round(float(np.mean([one.size for one in learned])) / 1024, 1),
    }


def line(name: str, row: Mapping[str, float]) -> str:
    """Return a row of the printed table."""
    cells = [
        f"{row[key]:g} ± {row[f'{key} error']:.2g}" if f"{key} error" in row else f"{row[key]:g}" for key in COLUMNS
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def sheet(case: Case, drawn: Mapping[str, list[list[Image.Image]]], prompts: int = 2) -> Image.Image:
    """Return a line a subject and prompt: its reference, then the picture of every row of the table."""
    size = next(iter(drawn.values()))[0][0].size
    cells: list[Image.Image] = []
    for number, cutouts in enumerate(case.given):
        framed = ImageOps.pad(cutouts[0].convert("RGBA"), size, color=(0, 0, 0, 0))
        for place in range(prompts):
            cells += [framed, *(pictures[number][place] for pictures in drawn.values())]
    return contact_sheet(cells, 1 + len(drawn))


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """Return sheets of one width one below the other."""
    result = Image.new("RGB", (sheets[0].width, sum(one.height for one in sheets)))
    top = 0
    for one in sheets:
        result.paste(one, (0, top))
        top += one.height
    return result


def main() -> None:
    """Run the bench, print its tables and write them."""
    parser = bench_parser(__doc__, identities=2)
    parser.add_argument("--photos", type=Path, help="folder with a folder of photos for every subject")
    parser.add_argument("--subjects", type=int, default=4, help="of the photos, at most")
    parser.add_argument("--adapter", type=Path, help="folder of trained image conditioning")
    parser.add_argument("--minutes", type=float, default=240, help="after which no further subject is learned")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[100, 200, 400, 800], help="DreamBooth's steps")
    parser.add_argument("--sheet", type=Path, help="PNG: a line a subject and prompt, a column a row of the table")
    options = parser.parse_args()
    if options.adapter is None:
        print("No --adapter: the table has no row of image conditioning.")
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    hypernetwork = HyperLoraPipeline.from_pretrained(options.hyperlora, dtype=torch.float32, local_files_only=True)
    learner = Learner(base, hypernetwork, options.adapter, options.checkpoints)
    drawer, texts = Drawer(base, options.steps, options.guidance), load_text_image(load_config(DEFAULT_CONFIG))
    table = rows(options.checkpoints, adapter=options.adapter is not None)
    result: dict = {"steps": options.steps, "guidance": options.guidance, "threads": torch.get_num_threads()}
    sheets = []
    for case in cases(options):
        learned, started = [], time.monotonic()
        for number, cutouts in enumerate(case.given):
            learned.append(learner.learn(cutouts, case.kind(number)))
            minutes = (time.monotonic() - started) / 60
            print(f"{case.name}, {case.kind(number)}: learned, {minutes:.1f} minutes so far", flush=True)
            if minutes > options.minutes:
                break
        case = case.of(range(len(learned)))
        print(f"\n{case.name}: {len(learned)} subjects, {len(case.prompts)} prompts, {options.steps} steps\n")
        print("| | " + " | ".join(COLUMNS) + " |\n" + "|---" * (1 + len(COLUMNS)) + "|")
        found, drawn = measure(case, learned, table, drawer, texts)
        sheets.append(sheet(case, drawn))
        result[case.name] = {"subjects": len(learned), "prompts": case.prompts, "rows": found}
        if options.out is not None:
            options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        if options.sheet is not None:
            stacked(sheets).save(options.sheet)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Read what the options name."""
    if options.identities:
        yield Case.individuals(options.data, options.identities, options.styles)
    if options.photos is not None:
        yield Case.photos(options.photos, options.subjects, Matting(resolve("u2netp")))


if __name__ == "__main__":
    main()
