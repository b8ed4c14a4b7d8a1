from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT
from pipelines.hyperlora.sampling import RowDenoiser
from pipelines.mini.pipeline_mini import MiniPipeline
from tests.bench.baselines.learning import PREDICTED
from tests.bench.baselines.method import Learned
from tests.bench.bench_hyperlora import Subjects
from tests.bench.bench_personalization import (
    SEEDS,
    Case,
    Drawer,
    LearnedDenoiser,
    Row,
    costs,
    figures,
    line,
    rows,
    sheet,
)
from tests.pipelines.mini.tiny_mini import random_lora, tiny_pipeline

PLAIN, HYBRID = Row(name="plain", learned=PREDICTED), Row(name="hybrid", learned=PREDICTED, hybrid=True)
TEXTS, SEEDS_OF_TEXTS = ["a dog, flat style", "a cat, flat style"], [3, 4]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    torch.set_num_threads(1)
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


@pytest.fixture(scope="module")
def base(pipeline: MiniPipeline) -> EmbeddedBase:
    return EmbeddedBase(pipeline, "tiny@0")


def case(families: list[str]) -> Case:
    cutouts = [Image.new("RGBA", (8, 8), (30 * number, 0, 0, 255)) for number in range(len(families))]
    words = ["a dog", "an owl", "glasses", "a cat"][: len(families)]
    subjects = Subjects(families, cutouts, words, ["flat style"] * len(words), [[one] for one in cutouts])
    return Case(name="some", subjects=subjects, given=[[one] for one in cutouts], prompts=("{}", "{} in the snow"))


def test_all_that_is_learned_is_drawn_both_ways() -> None:
    table = rows([100, 800], adapter=True)
    assert len({row.name for row in table}) == len(table)
    for learned in ("dreambooth 100", "dreambooth 800", "inversion", "image conditioning", PREDICTED):
        assert {row.hybrid for row in table if row.learned == learned} == {False, True}
    assert not any(row.learned == "image conditioning" for row in rows([100], adapter=False))


def test_another_is_of_the_same_family_where_there_is_one() -> None:
    assert case(["a", "b", "a", "b"]).others() == [2, 3, 0, 1]
    assert case(["a", "b", "a"]).others() == [2, 2, 0]
    some = case(["a", "b", "a", "b"]).of([3, 0])
    assert some.subjects.words == ["a cat", "a dog"] and some.others() == [1, 0]


def test_every_prompt_has_one_seed_and_the_first_has_several() -> None:
    found = case(["a"] * 4)
    assert found.texts(1)[:3] == ["an owl, flat style", "an owl in the snow, flat style", "an owl, flat style"]
    assert len(found.texts(1)) == len(found.seeds(1)) == len(found.prompts) + SEEDS - 1
    assert found.seeds(1)[0] == found.seeds(1)[1] and len(set(found.seeds(1))) == SEEDS
    assert not set(found.seeds(1)) & set(found.seeds(2))
    assert [found.kind(number) for number in range(3)] == ["dog", "owl", "glasses"]


def test_the_classes_of_a_photo_set_are_read(tmp_path: Path) -> None:
    class Whole:
        def cut_out(self, photo: Image.Image) -> Image.Image:
            return photo.convert("RGBA")

    classes = "Classes\n\nsubject_name,class\nowl2,owl\ndog,dog\nmissing,cat\n\nPrompts\na,b\n"
    (tmp_path / "prompts_and_classes.txt").write_text(classes)
    for name in ("owl2", "dog"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / name / f"{number}.jpg")
    found = Case.photos(tmp_path, 4, Whole())  # type: ignore[arg-type]
    assert found.subjects.words == ["a dog", "an owl"]
    assert [len(one) for one in found.given] == [3, 3] and [len(one) for one in found.subjects.views] == [2, 2]


def test_branches_are_those_of_the_lora(base: EmbeddedBase, pipeline: MiniPipeline) -> None:
    lora, text, empty = random_lora(pipeline), base.encode_text(TEXTS), base.encode_text([""])
    shown = {"sketch": torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(2))}
    learned = Learned.of_lora(pipeline.unet, lora)
    latents = torch.randn(6, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    branches = (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)
    known = RowDenoiser(base, text | shown, empty, lora.layers)
    denoiser = LearnedDenoiser(base, text | shown, empty, {}, learned, text | shown)
    with torch.no_grad():
        expected, found = (one(latents, torch.tensor(500.0), branches) for one in (known, denoiser))
    off = (found - expected).abs().mean()  # bfloat16
    assert off < 0.1 * expected.abs().mean()
    assert (found[4:] - found[2:4]).abs().mean() > 5 * off


def test_learned_words_are_read_in_the_personal_branch_alone(base: EmbeddedBase) -> None:
    text, own, empty = (base.encode_text([words]) for words in ("a dog", "a mug dog", ""))
    shown = {"sketch": torch.zeros(1, 8, 4, 4)}
    plain, named = (
        LearnedDenoiser(base, text | shown, empty, {}, Learned(name=name), words | shown)
        for name, words in (("", text), ("mug", own))
    )
    latents = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0)).repeat(3, 1, 1, 1)
    with torch.no_grad():
        one, other = (d(latents, torch.tensor(500.0), (BASE_EMPTY, BASE_TEXT, PERSONAL_TEXT)) for d in (plain, named))
    torch.testing.assert_close(one[:2], other[:2])
    assert (one[2] - other[2]).abs().max() > 1e-3


def test_rows_are_drawn_from_the_same_noise(base: EmbeddedBase, pipeline: MiniPipeline) -> None:
    drawer, learned = Drawer(base, steps=2, guidance=1.5), Learned.of_lora(pipeline.unet, random_lora(pipeline))

    def drawn(one: Learned, row: Row) -> list[np.ndarray]:
        pictures = drawer.draw(one, row, ("#20c040",), TEXTS, SEEDS_OF_TEXTS)
        return [np.asarray(picture, float) for picture in pictures]

    base_plain, base_hybrid = drawn(Learned(), PLAIN), drawn(Learned(), HYBRID)
    np.testing.assert_allclose(base_plain, base_hybrid, atol=2)
    assert np.abs(np.array(drawn(learned, PLAIN)) - base_plain).max() > 10
    assert np.abs(np.array(drawn(learned, PLAIN)) - drawn(learned, HYBRID)).max() > 10
    assert all(not module._forward_hooks for module in base.model.modules())


def test_figures_and_costs_become_a_line() -> None:
    found = figures(
        {key: np.array([0.2, 0.4]) for key in ("dino", "clip", "meter", "colour distance", "text", "diversity")}
    )
    assert found["dino"] == 0.3 and found["dino error"] == 0.0707
    found |= costs([Learned(seconds=1.0, memory=2**20, size=2048), Learned(seconds=3.0, memory=2**22, size=4096)])
    assert (found["seconds"], found["memory MB"], found["file KB"]) == (2.0, 4.0, 3.0)
    assert line("a row", found) == "| a row | " + "0.3 ± 0.071 | " * 6 + "2 | 4 | 3 |"


def test_a_sheet_has_a_line_a_subject_and_prompt() -> None:
    some = case(["a", "b"])
    drawn = {name: [[Image.new("RGBA", (8, 8))] * 5] * 2 for name in ("one", "two")}
    assert sheet(some, drawn).size == (3 * 8, 2 * 2 * 8)
