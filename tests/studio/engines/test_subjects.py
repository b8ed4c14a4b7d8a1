from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.lora import LoraFactors
from pipelines.matting import Matte, Matting, SubjectNotFoundError
from pipelines.resolver import ModelNotFound
from studio.engines.base import SubjectEngine
from studio.engines.subjects import HyperLoraSubjectEngine, evenly_chosen
from studio.errors import InvalidPhoto, ModelMissing
from tests.pipelines.hyperlora.tiny_hyperlora import PixelEncoder, cutout, tiny_hyperlora
from tests.pipelines.tiny_denoisers import stable_diffusion

RED, BLUE = (220, 20, 20), (20, 20, 220)


class Reports:
    def __init__(self) -> None:
        self.shares: list[float] = []

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        self.shares.append(share)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hyperlora")
    HyperLoraPipeline(tiny_hyperlora(stable_diffusion(), base_model="tiny@0").half()).save_pretrained(folder)
    return folder


@pytest.fixture
def engine(folder: Path) -> HyperLoraSubjectEngine:
    torch.set_num_threads(1)
    engine = HyperLoraSubjectEngine(find=lambda name: folder)
    vars(engine)["_encoder"] = PixelEncoder()  # stands where the loaded encoder is kept
    return engine


def test_it_is_a_subject_engine(engine: HyperLoraSubjectEngine) -> None:
    checked: SubjectEngine = engine
    assert checked.model().startswith("hyperlora@")


def test_importing_it_loads_no_model_library() -> None:
    code = "import sys, studio.engines.subjects; print([m for m in ('torch', 'diffusers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_personalize_gives_a_lora_that_fits_the_base(engine: HyperLoraSubjectEngine) -> None:
    reports = Reports()
    data = engine.personalize([cutout(RED)], "block", reports)
    lora = LoraFactors.from_bytes(data)
    lora.check_fits(stable_diffusion().model)
    assert lora.metadata["kind"] == "block" and lora.metadata["base_model"] == "tiny@0"
    assert lora.metadata["model"] == engine.model()
    assert reports.shares == sorted(reports.shares) and reports.shares[-1] == 1.0
    assert data == engine.personalize([cutout(RED)], "block", reports)
    assert data != engine.personalize([cutout(BLUE)], "block", reports)


def test_of_many_cutouts_eight_are_taken(engine: HyperLoraSubjectEngine) -> None:
    lora = LoraFactors.from_bytes(engine.personalize([cutout(RED)] * 20, "block", Reports()))
    assert lora.metadata["references"] == "8"
    pictures = [Image.new("RGBA", (index + 1, 1)) for index in range(20)]
    assert [picture.width - 1 for picture in evenly_chosen(pictures, 8)] == [0, 2, 5, 7, 10, 12, 15, 17]


def test_stop_ends_it(engine: HyperLoraSubjectEngine) -> None:
    def stop(share: float, message: str = "", preview: Image.Image | None = None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.personalize([cutout(RED)], "block", stop)


def test_an_empty_cutout_gets_a_sentence(engine: HyperLoraSubjectEngine) -> None:
    with pytest.raises(InvalidPhoto, match="wholly transparent"):
        engine.personalize([Image.new("RGBA", (9, 9))], "block", Reports())


def test_missing_models_get_a_sentence(tmp_path: Path) -> None:
    def nowhere(name: str) -> Path:
        raise ModelNotFound(f"The model {name} is nowhere.")

    with pytest.raises(ModelMissing, match="The model u2netp is nowhere"):
        HyperLoraSubjectEngine(find=nowhere).read(Image.new("RGB", (9, 9)))
    with pytest.raises(ModelMissing, match="the hypernetwork is not there"):
        HyperLoraSubjectEngine(find=lambda name: tmp_path).personalize([cutout(RED)], "block", Reports())


class Matter:
    """Takes what is red for the subject."""

    def matte(self, photo: Image.Image) -> Matte:
        alpha = (np.asarray(photo)[..., 0] > 128).astype(np.float32)
        if not alpha.any():
            raise SubjectNotFoundError("Nothing stands out.")
        return Matte(alpha=alpha, coverage=float(alpha.mean()))

    def box(self, matte: Matte) -> tuple[int, int, int, int]:
        return Matting.box(matte)

    def cut_out(self, photo: Image.Image, matte: Matte) -> Image.Image:
        found = photo.convert("RGBA")
        found.putalpha(Image.fromarray((matte.alpha * 255).astype(np.uint8)))
        return found


class Recogniser:
    def recognise(self, cutouts: list[Image.Image], *, top: int) -> list[tuple[tuple[str, float], ...]]:
        return [tuple((f"kind {rank}", 1 / (rank + 2)) for rank in range(top)) for _ in cutouts]


class Looks:
    """A look is the mean colour of a place."""

    def embed(self, pictures: list[Image.Image]) -> np.ndarray:
        means = np.stack([np.asarray(picture, np.float32).mean(axis=(0, 1)) for picture in pictures])
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def test_photos_are_grouped_by_what_their_subjects_look_like(
    engine: HyperLoraSubjectEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vars(engine).update(_matting=Matter(), _recogniser=Recogniser(), _looks=Looks())
    colours = [(200, 0, 0), (130, 0, 255), (230, 0, 0), (135, 0, 250)]
    looks = [engine.read(Image.new("RGB", (40, 20), colour)).look for colour in colours]
    cosines = np.frombuffer(b"".join(looks), np.float32).reshape(4, 3) @ np.frombuffer(looks[0], np.float32)
    threshold = float(cosines[[1, 3]].max()) + 0.01
    monkeypatch.setattr("pipelines.recognition.one_subject.load_threshold", lambda: threshold)
    assert engine.groups(looks) == [[0, 2], [1, 3]]
    assert engine.groups(looks[:1]) == [[0]]


def test_read_gives_cutout_coverage_and_kinds(engine: HyperLoraSubjectEngine) -> None:
    vars(engine).update(_matting=Matter(), _recogniser=Recogniser(), _looks=Looks())
    photo = Image.new("RGB", (40, 20))
    photo.paste((255, 0, 0), (0, 0, 10, 20))
    reading = engine.read(photo)
    assert reading.cutout.mode == "RGBA" and reading.coverage == pytest.approx(0.25)
    assert len(reading.kinds) == 5 and reading.kinds[0] == ("kind 0", 0.5)
    with pytest.raises(InvalidPhoto, match="Nothing stands out"):
        engine.read(Image.new("RGB", (40, 20)))
