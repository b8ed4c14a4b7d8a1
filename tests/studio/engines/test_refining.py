from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.refining import REFINED
from pipelines.lora import COAT, Factor, LoraFactors
from studio.engines.base import RefiningEngine
from studio.engines.refining import DiffusionRefiningEngine
from studio.errors import InvalidInput, JobCancelled, ModelMissing
from tests.pipelines.features.tiny_minilm import write_minilm
from tests.pipelines.features.tiny_onnx import write_tinyvit
from tests.pipelines.mini.tiny_mini import SIZE, TEXT_WIDTH, random_lora, save_pipeline, tiny_pipeline


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    pipeline = tiny_pipeline(folder / "minilm", sketches=True)
    lora = LoraFactors(random_lora(pipeline, 0.1).layers, metadata={COAT: "#20c030"})
    (folder / "lora.safetensors").write_bytes(lora.to_bytes())
    return {
        "mini": save_pipeline(pipeline, folder / "mini"),
        "minilm": write_minilm(folder / "text", width=TEXT_WIDTH),
        "tinyvit": write_tinyvit(folder / "vit.onnx"),
        "lora": folder / "lora.safetensors",
    }


@pytest.fixture
def engine(places: dict[str, Path]) -> DiffusionRefiningEngine:
    torch.set_num_threads(1)
    return DiffusionRefiningEngine(steps=3, find=places.__getitem__, device="cpu")


def cutouts() -> list[Image.Image]:
    picture = Image.new("RGBA", (60, 60))
    picture.paste((210, 60, 40, 255), (8, 8, 52, 50))
    return [picture]


class Told:
    def __init__(self, stop_at: str = "never") -> None:
        self.shares: list[float] = []
        self._stop_at = stop_at

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        self.shares.append(share)
        if message.startswith(self._stop_at):
            raise JobCancelled("stopped")


def test_a_lora_is_refined_drawn_and_measured(engine: DiffusionRefiningEngine, places: dict[str, Path]) -> None:
    checked: RefiningEngine = engine
    told, adapter = Told(), places["lora"].read_bytes()
    found = checked.refine(adapter, cutouts(), "dog", told)
    refined = LoraFactors.from_bytes(found.adapter)
    assert refined.metadata[REFINED] == "3" and refined.metadata[COAT] == "#20c030"
    before = LoraFactors.from_bytes(adapter)
    assert refined.layers.keys() == before.layers.keys()
    assert min(factor.rank for factor in refined.layers.values()) > max(f.rank for f in before.layers.values())
    assert [picture.size for picture in (*found.pictures_before, *found.pictures_after)] == [(SIZE, SIZE)] * 2
    assert -1 <= found.likeness_before <= 1 and found.error >= 0 and found.colours_before > 0
    assert found.helps is (
        found.likeness_after - found.likeness_before > found.error and found.colours_after - found.colours_before < 1
    )
    assert told.shares == sorted(told.shares)


@pytest.mark.parametrize("when", ["Drawing", "Learning, step 2"])
def test_it_stops_at_the_next_step(engine: DiffusionRefiningEngine, places: dict[str, Path], when: str) -> None:
    with pytest.raises(JobCancelled):
        engine.refine(places["lora"].read_bytes(), cutouts(), "dog", Told(when))


def test_a_lora_for_another_model_gets_a_sentence(engine: DiffusionRefiningEngine) -> None:
    foreign = LoraFactors({"other.to_q": Factor(torch.ones(1, 4), torch.ones(4, 1))}).to_bytes()
    with pytest.raises(InvalidInput, match=r"other\.to_q.*embedded base"):
        engine.refine(foreign, cutouts(), "dog", Told())


def test_a_missing_model_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text("models: {}")
    with pytest.raises(ModelMissing, match="mini"):
        DiffusionRefiningEngine(models=tmp_path / "models.yaml").refine(b"", cutouts(), "dog", Told())
    assert DiffusionRefiningEngine().needs() == ("mini", "tinyvit", "minilm")


def test_importing_it_loads_no_model_library() -> None:
    code = "import sys, studio.engines.refining; print([m for m in ('torch', 'diffusers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
