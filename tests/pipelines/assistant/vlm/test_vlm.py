from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.assistant.chat import ChatError
from pipelines.assistant.prompting import build_prompt
from pipelines.assistant.vlm.batches import prompt_text
from pipelines.assistant.vlm.chat_vlm import SmallVlmChat
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig, load_config
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.train import recipe_of
from pipelines.assistant.vlm.training import VlmTrainer
from tests.pipelines.assistant.briefings import BO, briefing, spot
from tests.pipelines.assistant.tiny_chat import text_model
from tests.pipelines.assistant.vlm.tiny_vlm import MODEL, TAGS, WIDTH, MeanColours, album, config


def trainer(out: Path, **changes: object) -> VlmTrainer:
    language, tokenizer = text_model()
    return VlmTrainer(language, tokenizer, album(), config(**changes), out)


def test_the_shipped_configuration_is_read() -> None:
    assert load_config().model.image_tokens == 16
    with pytest.raises(ValueError, match="no square grid"):
        VlmModelConfig.model_validate({**MODEL.model_dump(), "image_tokens": 5})


def test_the_picture_stands_where_the_placeholders_are() -> None:
    language, tokenizer = text_model()
    model = SmallVlm.fresh(language, tokenizer, WIDTH, MODEL)
    tokens = tokenizer("ab" + "<image>" * 4 + "c", return_tensors="pt", add_special_tokens=False)["input_ids"]
    seen = model.embed(tokens, torch.randn(1, 4, WIDTH))
    words = model.language.get_input_embeddings()(tokens)
    same = (seen == words).all(dim=-1)[0].tolist()
    assert same == [True, True, False, False, False, False, True]
    with pytest.raises(ValueError, match="do not fit"):
        model.embed(tokens, torch.randn(2, 4, WIDTH))
    with pytest.raises(ValueError, match="has to be one"):
        SmallVlm.fresh(language, tokenizer, WIDTH, MODEL.model_copy(update={"placeholder": "abc"}))


def test_training_lowers_the_loss_and_leaves_the_language_model_alone(tmp_path: Path) -> None:
    run = trainer(tmp_path, steps=40)
    frozen = {n: w.clone() for n, w in run.model.language.named_parameters() if "lora_" not in n}
    cpu = torch.device("cpu")
    before = [float(run.loss(step, cpu).detach()) for step in range(1000, 1004)]
    run.train()
    after = [float(run.loss(step, cpu).detach()) for step in range(1000, 1004)]
    assert np.mean(after) < np.mean(before) - 0.08
    assert len((tmp_path / "loss.jsonl").read_text().splitlines()) == 10
    assert all(torch.equal(frozen[n], w) for n, w in run.model.language.named_parameters() if n in frozen)
    assert any(float(weight.abs().max()) > 0 for n, weight in run.model.language.named_parameters() if "lora_B" in n)


def test_a_run_that_was_broken_off_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", steps=16)
    whole.train()
    half = trainer(tmp_path / "half", steps=16)
    broken = half.loss
    half.loss = lambda step, device: broken(step, device) if step < 8 else pytest.fail("broken off")  # type: ignore
    with pytest.raises(BaseException, match="broken off"):
        half.train()
    again = trainer(tmp_path / "half", steps=16)
    again.train()
    for one, other in zip(whole.model.projector.parameters(), again.model.projector.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_what_was_trained_is_saved_loaded_and_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trainer(tmp_path / "run")
    folder = run.train()
    assert sorted(file.suffix for file in folder.rglob("*.safetensors")) == [".safetensors"] * 2
    assert json.loads((folder / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] is None
    language, tokenizer = text_model()
    loaded = SmallVlm.load(folder, language, tokenizer)
    prompt = build_prompt(briefing("Who is this?", BO, spots=[spot(0)]), sees=True)
    first, second = (
        "".join(SmallVlmChat(model, tokenizer, MeanColours(), "small").stream(prompt, 8))
        for model in (run.model, loaded)
    )
    assert first == second and first
    text = prompt_text(prompt, tokenizer, MODEL, [TAGS[1]])
    assert "<image>" * 4 + "Looks like: owl, toy. Colours: red, blue.\nWho is this?" in text
    assert "<image>" * 4 + "Who is this?" in prompt_text(prompt, tokenizer, MODEL)

    monkeypatch.setattr(
        "pipelines.assistant.vlm.chat_vlm.TextChat.from_gguf",
        lambda *_, **__: type("Chat", (), {"model": text_model()[0], "tokenizer": tokenizer}),
    )
    (folder / "kinds.txt").write_text("fox\nowl\n")
    given: list[tuple] = []
    opened = SmallVlmChat.open(folder, Path("x.gguf"), lambda *asked: given.append(asked) or MeanColours())
    assert given == [(["fox", "owl"], MODEL)]
    assert "".join(opened.stream(prompt, 8)) == first
    with pytest.raises(ChatError, match="cannot be loaded"):
        SmallVlmChat.open(tmp_path / "nowhere", Path("x.gguf"), lambda *_: MeanColours())


def test_a_run_tells_its_recipe(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    told = recipe_of(config(), tmp_path)
    assert told["seed"] == 1 and told["data_manifest_sha256"].startswith("44136fa355b3678a")
