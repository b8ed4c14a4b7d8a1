"""The things that a comparison of ways of personalization is made on, and what they are drawn by."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pipelines.matting import Matting
from pipelines.mini.scene import article
from tests.bench.bench_hyperlora import FAMILIES, Subjects
from tests.bench.prompt_score import PROMPTS

SEEDS = 4  # of the first prompt; the others have one
PHOTO_STYLE = "soft style"
SEEN = 3  # photos of a subject that are its references
# of an animated drawing the class's drawing is the individual itself: its class word alone draws it
OWN_LOOKS = tuple(family for family in FAMILIES.values() if family != "animated drawings")


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """Subjects, all the references that are given of each, and the prompts they are drawn by."""

    name: str
    subjects: Subjects
    given: list[list[Image.Image]]
    prompts: Sequence[str]

    @classmethod
    def individuals(cls, folder: Path, count: int, styles: Sequence[str], families: Sequence[str] = OWN_LOOKS) -> Case:
        """Read at most `count` held-out individuals of each of some families."""
        subjects = Subjects.read(folder, count, styles)
        given = [[reference] for reference in subjects.references]
        case = cls(name="held-out individuals", subjects=subjects, given=given, prompts=PROMPTS)
        of, wanted = subjects.families, [n for n, family in enumerate(subjects.families) if family in families]
        return case.of(sorted(wanted, key=lambda number: of[:number].count(of[number])))

    @classmethod
    def photos(cls, folder: Path, count: int, matting: Matting, wanted: Sequence[str] = ()) -> Case:
        """Read subjects of a set such as DreamBooth's and cut them out.

        Args:
            folder: of the set, with a folder for each subject.
            count: subjects, spread evenly over the folders.
            matting: cuts out.
            wanted: names of folders, to be read instead.

        Raises:
            ValueError: a name that is wanted is not there.
        """
        classes = dict(line.split(",") for line in _table((folder / "prompts_and_classes.txt").read_text()))
        names = sorted(name for name in classes if (folder / name).is_dir())
        if missing := set(wanted) - set(names):
            raise ValueError(f"{folder} has no {', '.join(sorted(missing))}; it has {', '.join(names)}.")
        spread = np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)
        chosen = list(wanted) or [names[place] for place in spread]
        cut = [[_cut_out(file, matting) for file in sorted((folder / name).glob("*.jpg"))] for name in chosen]
        subjects = Subjects(
            ["photos"] * len(chosen),
            [cutouts[0] for cutouts in cut],
            [article(classes[name]) for name in chosen],
            [PHOTO_STYLE] * len(chosen),
            [cutouts[SEEN:] for cutouts in cut],
        )
        return cls(name="photos", subjects=subjects, given=[one[:SEEN] for one in cut], prompts=PROMPTS)

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
