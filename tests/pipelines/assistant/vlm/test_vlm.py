from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.assistant.chat import ChatError
from pipelines.assistant.prompting import build_prompt
from pipelines.assistant.vlm.batches import UNLEARNED, batch_of, prompt_text
from pipelines.assistant.vlm.chat_vlm import SmallVlmChat
from pipelines.assistant.vlm.configuration_vlm import VlmConfig, VlmModelConfig, load_config
from pipelines.assistant.vlm.modeling_vlm import SmallVlm, image_tokens
from pipelines.assistant.vlm.samples import Depicted, named_caption, sample
from pipelines.assistant.vlm.train import cached_tokens, depicted
from pipelines.assistant.vlm.training import VlmTrainer
from pipelines.features.preprocessing import FloatArray
from tests.pipelines.assistant.briefings import BO, briefing, spot
from tests.pipelines.assistant.tiny_chat import text_model

WIDTH = 6
MODEL = VlmModelConfig(image_tokens=4, placeholder="<image>", rank=2, alpha=4, targets=("q_proj", "v_proj"))
PICTURES = tuple(
    Depicted(row=row, kind=kind, caption=f"a {kind} on sand") for row, kind in enumerate(("fox", "owl", "mug", "hat"))
)


class Patches:
    """A frozen encoder of 3 × 3 patches and a class token, each the mean colour of the picture."""

    def tokens(self, images: list[Image.Image]) -> FloatArray:
        colours = np.stack([np.asarray(image.convert("RGB"), np.float32).mean((0, 1)) / 255 for image in images])
        return np.tile(np.concatenate([colours, colours], axis=1)[:, None], (1, 10, 1))


def config(**changes: float) -> VlmConfig:
    recipe = {
        "steps": 24, "projector_only": 4, "batch": 2, "learning_rate": 0.02, "language_learning_rate": 0.02,
        "concepts": 3, "noise": 0.3, "clip": 1.0, "log_every": 4, "save_every": 8, "seed": 1,
    }  # fmt: skip
    return VlmConfig.model_validate({"model": MODEL, "training": {**recipe, **changes}})


def trainer(out: Path, **changes: float) -> VlmTrainer:
    language, tokenizer = text_model()
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 4, WIDTH)).astype(np.float32))
    return VlmTrainer(language, tokenizer, PICTURES, features, config(**changes), out)


def test_the_shipped_configuration_is_read() -> None:
    assert load_config().model.image_tokens == 16
    with pytest.raises(ValueError, match="no square grid"):
        VlmModelConfig.model_validate({**MODEL.model_dump(), "image_tokens": 5})


def test_no_answer_names_a_card_that_the_picture_does_not_show() -> None:
    rng = random.Random(0)
    drawn = [sample(PICTURES, rng, concepts=5, noise=0.4) for _ in range(300)]
    strangers = 0
    for one in drawn:
        at = one.briefing.spots[0].card
        strangers += at is None
        wrong = [card.name for number, card in enumerate(one.briefing.cards) if number != at]
        assert not any(name in one.answer for name in wrong)
        if at is not None:
            assert one.briefing.cards[at].kind == PICTURES[one.row].kind
    assert 0.3 < strangers / 300 < 0.5
    assert {len(one.briefing.cards) for one in drawn} >= {0, 1, 2, 3, 4}


def test_facts_are_cited_by_the_number_they_have_in_the_prompt() -> None:
    rng = random.Random(3)
    cited = [one for one in (sample(PICTURES, rng, concepts=4, noise=0.0) for _ in range(300)) if "[F" in one.answer]
    assert cited
    for one in cited:
        at = one.briefing.spots[0].card
        assert at is not None
        fact_id, _ = build_prompt(one.briefing, sees=True).facts[one.answer[1:-1]]
        assert fact_id in {fact.id for fact in one.briefing.cards[at].facts}


def test_a_name_takes_the_place_of_the_class_word() -> None:
    fox = Depicted(row=0, kind="fox", caption="a fox with a cat")
    assert named_caption(fox, "Bo") == "Bo with a cat"
    assert named_caption(dataclasses.replace(fox, caption="two foxes"), "Bo") == "Bo, two foxes"


def test_only_answers_are_learned_and_pictures_have_their_room() -> None:
    _, tokenizer = text_model()
    rng = random.Random(0)
    samples = [sample(PICTURES, rng, concepts=2, noise=0.5) for _ in range(3)]
    made = batch_of(samples, torch.zeros(4, 4, WIDTH), tokenizer, MODEL)
    image = tokenizer.convert_tokens_to_ids("<image>")
    assert (made.tokens == image).sum(dim=1).tolist() == [4, 4, 4]
    learned = [row[row != UNLEARNED] for row in made.labels]
    said = [tokenizer.decode(row[:-1].tolist()) for row in learned]
    assert said == [one.answer for one in samples]
    assert all(int(row[-1]) == tokenizer.eos_token_id for row in learned)


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


def test_patches_are_averaged_without_the_class_token() -> None:
    tokens = image_tokens([Image.new("RGB", (8, 8), "red")], Patches(), 4)  # type: ignore[arg-type]
    assert tokens.shape == (1, 4, WIDTH) and np.allclose(tokens[0, 0], [1, 0, 0, 1, 0, 0])


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
    language, tokenizer = text_model()
    loaded = SmallVlm.load(folder, language, tokenizer)
    prompt = build_prompt(briefing("Who is this?", BO, spots=[spot(0)]), sees=True)
    first, second = (
        "".join(SmallVlmChat(model, tokenizer, Patches(), "small").stream(prompt, 8))  # type: ignore[arg-type]
        for model in (run.model, loaded)
    )
    assert first == second and first
    assert prompt_text(prompt, tokenizer, MODEL).count("<image>") == 4

    monkeypatch.setattr(
        "pipelines.assistant.vlm.chat_vlm.TextChat.from_gguf",
        lambda *_, **__: type("Chat", (), {"model": text_model()[0], "tokenizer": tokenizer}),
    )
    opened = SmallVlmChat.open(folder, Path("x.gguf"), Patches())  # type: ignore[arg-type]
    assert "".join(opened.stream(prompt, 8)) == first
    with pytest.raises(ChatError, match="cannot be loaded"):
        SmallVlmChat.open(tmp_path / "nowhere", Path("x.gguf"), Patches())  # type: ignore[arg-type]


def test_drawings_of_the_train_split_are_read_and_their_tokens_kept(tmp_path: Path) -> None:
    records = [{"split": split, "kind": "fox", "caption": "a fox"} for split in ("train", "test", "train")]
    (tmp_path / "identities.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    pictures, rows = depicted(tmp_path, None)
    assert rows == [0, 2] and [one.row for one in pictures] == [0, 1]
    drawings = np.full((3, 8, 8, 4), 255, np.uint8)
    first = cached_tokens(drawings, rows, Patches(), 4, tmp_path / "tokens.npy")  # type: ignore[arg-type]
    again = cached_tokens(drawings[:0], rows, Patches(), 4, tmp_path / "tokens.npy")  # type: ignore[arg-type]
    assert first.shape == (2, 4, WIDTH) and np.array_equal(first, again)
