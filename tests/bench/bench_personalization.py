"""The hypernetwork beside other ways of personalizing the same frozen base, in one table.

    python -m tests.bench.bench_personalization --data DIR [--identities 2] [--photos FOLDER --subjects 4]
        [--names NAME …] [--adapter FOLDER] [--out FILE.json] [--pictures FOLDER]

Held-out individuals, of which every way sees the one reference, and subjects of photos, of which it sees three; the
likeness is measured on the views that are left. Animated drawings are left out unless ``--families`` names them: the
class's drawing is that individual itself, and its class word alone draws it. Every row of the table has the same
prompts, seeds, layouts and number of steps, and is drawn in one of two ways: by the personal model alone, after the
class's drawing dressed as that model expects it; or by *HM-CFG*, as the studio draws: its drawing dressed with the help
of the photos' main colours (its coat), and hybrid-model guidance at fidelity 0.7 where no other is named.

DreamBooth's LoRA has the hypernetwork's rank and layers; its checkpoints are those of one run for each learning rate,
with and without drawings of the class beside the thing (prior preservation). The base sees sketches, so with them the
LoRA can tell thing and class apart by their outlines and need not heed the rare word; drawn after the class's drawing
it then draws the class. Without them it has no such way out.
What is learned by gradients learns from what a refinement sees (`pipelines.hyperlora.own_views`), half of it shown
without colours.

Columns: the studio's likeness meter (0–1); cosines of DINOv2 and of CLIP with the mean of the views; distance of mean
colours in CIELAB; prompt and margin, the share of prompts whose own text is nearest and by how much, which do not
depend on the class word (`tests.bench.prompt_score`); text, cosine of picture and prompt, class word included; word,
the same of the plain prompt alone; 1 less the mean cosine (DINOv2) of pictures of the plain prompt; seconds of one core
from references to what can be drawn; how much the resident memory grew while learning, beyond the loaded models; KB to
be kept. After ± the standard error over subjects.

The row "its reference" is the reference, cut out, in the place of a picture: how near a perfect picture of the thing
would come to its other views and to its class word. Two columns belong together, likeness (meter) and obedience
(margin), and rows are to be compared where one of the two is equal: a way that changes nothing obeys for free. `text`
is there because such tables have it; it falls for whatever does not look as its class usually does, which is what
personalization is for. This was settled before any personal picture was measured by it. Figures are written after every
subject; `tests.bench.personalization_report` sums them up and plots them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Branch, Guidance
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.references import coat_of
from pipelines.hyperlora.sampling import RowDenoiser, branch_conditions, draw
from pipelines.matting import Matting
from pipelines.mini.casting import Actor
from pipelines.mini.sketching import FOLLOW_DRAWING, FOLLOW_PHOTO
from pipelines.resolver import resolve
from pipelines.textimage.base import TextImageModel
from pipelines.textimage.configuration import DEFAULT_CONFIG, load_config
from pipelines.textimage.loading import load_text_image
from tests.bench.baselines.learning import CLASS, CONDITIONED, INVERTED, PREDICTED, REFINED, Learner, Run
from tests.bench.baselines.method import Learned, LearnedDresser
from tests.bench.bench_hyperlora import FAMILIES, Judge, bench_parser
from tests.bench.personalization_cases import OWN_LOOKS, Case
from tests.bench.personalization_report import OURS, STUDIO, Figures, picture_file, report
from tests.bench.prompt_score import score_prompts

FIDELITY = 0.7
FIDELITIES = (0.4, 1.0)  # further positions of the dial
MAIN_COLOURS = 3  # of a coat, where nothing says which part wears which
REFERENCE = "its reference"
Pictures = dict[str, list[Image.Image]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        name: what it is called.
        learned: how the thing was learned.
        other: whether it is another thing that was learned.
        fidelity: of hybrid guidance; None: the personal model draws alone.
        coated: whether the class's drawing wears the thing's main colours and nothing else is done.
        standing: whether one of the references stands in the picture as it is and nothing else is done, which is how
            the studio draws a thing in the pose of a photo.
        alike: whether it is drawn after the drawing that looks most like it where none has the name of its class, as
            the studio does; else after that of the class word.
    """

    name: str
    learned: str
    other: bool = False
    fidelity: float | None = None
    coated: bool = False
    standing: bool = False
    alike: bool = False

    def guidance(self, text: float) -> Guidance:
        """Return how it is guided, the prompt pulling with `text`."""
        if self.standing:  # it shows how it looks: words must not pull it towards its class
            return Guidance.steady(1.0, 1.0, "plain")
        if self.fidelity is None:
            return Guidance.steady(1.0, text, "plain")
        return Guidance.from_fidelity(self.fidelity, text)


def rows(checkpoints: Sequence[int], runs: Sequence[Run], *, adapter: bool) -> tuple[Row, ...]:
    """Return the rows of a table."""
    both = [(run.at(steps), run.at(steps)) for run in runs for steps in checkpoints]
    both = [("textual inversion", INVERTED), *both]
    both = [("image conditioning", CONDITIONED), *both] if adapter else both
    return (
        Row(name="class word", learned=CLASS),
        Row(name="class word in its colours", learned=CLASS, coated=True),
        Row(name="as in a photo, nothing learned", learned=CLASS, standing=True),
        Row(name="another's LoRA", learned=PREDICTED, other=True),
        Row(name="hypernetwork's LoRA alone", learned=PREDICTED),
        Row(name=OURS, learned=PREDICTED, fidelity=FIDELITY),
        *(Row(name=f"{OURS} at {dial:g}", learned=PREDICTED, fidelity=dial) for dial in FIDELITIES),
        Row(name=STUDIO, learned=PREDICTED, fidelity=FIDELITY, alike=True),
        Row(name="refined LoRA alone", learned=REFINED),
        Row(name=f"{OURS} + refine", learned=REFINED, fidelity=FIDELITY),
        *(Row(name=name, learned=learned) for name, learned in both),
        *(Row(name=f"{name} + HM-CFG", learned=learned, fidelity=FIDELITY) for name, learned in both),
    )


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
        self, learned: Learned, row: Row, given: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]
    ) -> list[Image.Image]:
        """Return a picture of every text; noise and layout depend on text and seed alone.

        Args:
            learned: of the thing.
            row: how it is drawn.
            given: the thing's references.
            texts: N prompts.
            seeds: of each.
        """
        base, pipeline = self._base, self._base.pipeline
        sketches = pipeline.sketch(texts, seeds, [self._cast(learned, row, given)] * len(texts))
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
        let_go = FOLLOW_PHOTO if row.standing else FOLLOW_DRAWING
        return draw(denoiser, noise, row.guidance(self._guidance), self._steps, let_go)

    def _cast(self, learned: Learned, row: Row, given: Sequence[Image.Image]) -> list[Actor]:
        if row.standing:
            return [Actor(cutout=given[0])]
        if row.coated:
            return [Actor(coat=coat_of(given)[:MAIN_COLOURS])]
        if not learned.personal:
            return []
        coat = () if row.fidelity is None else coat_of(given)
        dress = LearnedDresser(self._base.pipeline, learned, coat)
        return [Actor(dress=dress, look=learned.look if row.alike else None)]


class Contest:
    """Learns, draws and measures the subjects of a case.

    Args:
        case: the subjects.
        learner: learns them.
        drawer: draws them.
        texts: the text-image model.
    """

    def __init__(self, case: Case, learner: Learner, drawer: Drawer, texts: TextImageModel) -> None:
        self._case, self._learner, self._drawer, self._texts = case, learner, drawer, texts
        self._judge = Judge(case.subjects.views, ClipVisionEncoder(resolve("clip-vision")))
        self._others = case.others()

    def run(self, number: int, table: Sequence[Row]) -> tuple[dict[str, Figures], Pictures]:
        """Return the figures and the pictures of every row of the table for one subject."""
        case, given = self._case, self._case.given
        learned = self._learner.learn(given[number], case.kind(number), {row.learned for row in table})
        other = self._learner.predict(given[self._others[number]])
        pictures: Pictures = {}
        found = {REFERENCE: self._of_reference(number)}
        for row in table:
            whose = self._others[number] if row.other else number
            one = other if row.other else learned[row.learned]
            pictures[row.name] = self._drawer.draw(one, row, given[whose], case.texts(number), case.seeds(number))
            found[row.name] = self._of_pictures(number, pictures[row.name]) | costs(one)
        size = pictures[table[0].name][0].size
        return found, {REFERENCE: [framed(cutout, size) for cutout in given[number]]} | pictures

    def _of_pictures(self, number: int, pictures: Sequence[Image.Image]) -> Figures:
        case, count = self._case, len(self._case.prompts)
        word, shown = case.subjects.words[number], pictures[:count]
        plain = [pictures[0], *pictures[count:]]
        seen = self._texts.embed_images(pictures)
        wanted = self._texts.embed_texts([prompt.format(word) for prompt in case.prompts])
        score = score_prompts(seen[:count], case.prompts, self._texts)
        return self._likenesses(number, shown) | {
            "prompt": score.share,
            "margin": score.margin,
            "text": float((seen[:count] * wanted).sum(axis=1).mean()),
            "word": float((seen[[0, *range(count, len(seen))]] @ wanted[0]).mean()),
            "diversity": self._judge.diversity(plain),
        }

    def _of_reference(self, number: int) -> Figures:
        pictures = [framed(cutout, (256, 256)) for cutout in self._case.given[number]]
        word = self._texts.embed_texts([self._case.subjects.words[number]])
        return self._likenesses(number, pictures) | {
            "word": float((self._texts.embed_images(pictures) @ word.T).mean())
        }

    def _likenesses(self, number: int, pictures: Sequence[Image.Image]) -> Figures:
        compared = self._judge.compare(pictures, [number] * len(pictures))
        return {key: float(values.mean()) for key, values in compared.items()}


def framed(cutout: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return what a cut-out shows as large as it fits a picture of this size, with a little room around it."""
    shown = cutout.convert("RGBA")
    shown = shown.crop(shown.getchannel("A").getbbox())
    return ImageOps.expand(ImageOps.pad(shown, (size[0] - 8, size[1] - 8), color=(0, 0, 0, 0)), 4, fill=(0, 0, 0, 0))


def costs(learned: Learned) -> Figures:
    """Return what the learning took."""
    return {"seconds": learned.seconds, "memory MB": learned.memory / 2**20, "file KB": learned.size / 1024}


def main() -> None:
    """Run the bench, print its tables and write them."""
    parser = bench_parser(__doc__, identities=2)
    parser.add_argument("--families", nargs="+", choices=[*FAMILIES.values()], default=OWN_LOOKS)
    parser.add_argument("--photos", type=Path, help="folder with a folder of photos for every subject")
    parser.add_argument("--subjects", type=int, default=4, help="of the photos, at most")
    parser.add_argument("--names", nargs="+", default=(), help="of these folders of photos instead")
    parser.add_argument("--adapter", type=Path, help="folder of trained image conditioning")
    parser.add_argument("--minutes", type=float, default=240, help="of a case, after which no subject is begun")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[100, 200, 400, 800], help="DreamBooth's steps")
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4, 1e-3], help="DreamBooth's learning rates")
    parser.add_argument("--rows", nargs="+", default=["*"], help="patterns of the rows that are wanted")
    parser.add_argument("--pictures", type=Path, help="folder for all pictures")
    options = parser.parse_args()
    if options.adapter is None:
        print("No --adapter: the table has no row of image conditioning.")
    base = EmbeddedBase.open(options.base, resolve("minilm"))
    hypernetwork = HyperLoraPipeline.from_pretrained(options.hyperlora, dtype=torch.float32, local_files_only=True)
    runs = [Run(rate=rate, prior=prior) for rate in options.rates for prior in (True, False)]
    learner = Learner(base, hypernetwork, options.adapter, options.checkpoints, runs)
    drawer, texts = Drawer(base, options.steps, options.guidance), load_text_image(load_config(DEFAULT_CONFIG))
    all_rows = rows(options.checkpoints, runs, adapter=options.adapter is not None)
    wanted = [row for row in all_rows if any(fnmatchcase(row.name, pattern) for pattern in options.rows)]
    result: dict = {"steps": options.steps, "guidance": options.guidance, "threads": torch.get_num_threads()}
    for case in cases(options):
        contest, started, done = Contest(case, learner, drawer, texts), time.monotonic(), []
        for number in range(len(case.given)):
            if (minutes := (time.monotonic() - started) / 60) > options.minutes:
                break
            found, pictures = contest.run(number, wanted)
            done.append({"name": case.kind(number), "family": case.subjects.families[number], "rows": found})
            result[case.name] = {"prompts": case.prompts, "subjects": done}
            write(options, result, case, number, pictures)
            print(f"{case.name}, {case.kind(number)}: begun at {minutes:.1f} minutes", flush=True)
        report(case.name, done)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Read what the options name."""
    if options.identities:
        yield Case.individuals(options.data, options.identities, options.styles, options.families)
    if options.photos is not None:
        yield Case.photos(options.photos, options.subjects, Matting(resolve("u2netp")), options.names)


def write(options: argparse.Namespace, result: Mapping, case: Case, number: int, pictures: Pictures) -> None:
    """Write the figures so far, and the pictures of a subject."""
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.pictures is not None:
        for row, drawn in pictures.items():
            for place, picture in enumerate(drawn):
                file = picture_file(options.pictures, case.name, number, row, place)
                file.parent.mkdir(parents=True, exist_ok=True)
                picture.save(file)


if __name__ == "__main__":
    main()
