from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from pipelines.assistant.chat_transformers import TextChat
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.assistant.vlm.loading import NEEDED
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.features.image_encoders import ClipVisionEncoder
from studio.engines.assistant import (
    EmbeddedAssistantEngine,
    ServerAssistantEngine,
    SmallVlmAssistantEngine,
    VlmAssistantEngine,
)
from studio.engines.base import AssistantCard, AssistantSpot, AssistantTask, TitleTask
from studio.errors import InvalidInput, ModelMissing, StudioError
from tests.pipelines.assistant.tiny_chat import llava, text_model
from tests.pipelines.assistant.vlm.tiny_eyes import write_eyes
from tests.pipelines.features.tiny_minilm import write_minilm

BO = AssistantCard(name="Bo", kind="dog", facts=(("f0", "afraid of balloons"),), meant=True)
SPOT = AssistantSpot(box=(0.0, 0.0, 1.0, 1.0), card=0, sureness="sure")
PICTURE = Image.new("RGB", (40, 40), "white")
SEEN = AssistantTask(question="Who is this?", cards=(BO,), spots=(SPOT,), picture=PICTURE)
DESCRIBED = AssistantTask(question="Describe this picture", cards=(BO,), spots=(SPOT,), picture=PICTURE)


def nobody(_: str) -> None:
    """Hear nothing."""


@pytest.fixture
def find(tmp_path: Path) -> Callable[[str], Path]:
    """Only the sentence encoder is there, at tiny size."""
    write_minilm(tmp_path / "minilm")

    def place(name: str) -> Path:
        if name != "minilm":
            raise ModelMissing(f"{name} was asked for")
        return tmp_path / "minilm"

    return place


def test_the_embedded_engine_loads_its_language_model_for_made_up_texts_only(find: Callable[[str], Path]) -> None:
    engine = EmbeddedAssistantEngine(looks="", find=find)
    heard: list[str] = []
    reply = engine.answer(SEEN, heard.append)
    assert (reply.text, reply.origin, reply.spots) == ("That’s Bo.", "quoted", (0,)) and heard == ["That’s Bo."]
    assert engine.answer(DESCRIBED, nobody).text == "That’s Bo."
    with pytest.raises(ModelMissing, match="smollm2 was asked for"):
        engine.answer(AssistantTask(question="Write a card for Bo", cards=(BO,)), nobody)
    assert engine.needs() == ("minilm", "smollm2")


def test_a_vlm_describes_what_the_cards_do_not_say(find: Callable[[str], Path], tmp_path: Path) -> None:
    model, processor = llava()
    model.save_pretrained(tmp_path / "vlm")
    processor.save_pretrained(tmp_path / "vlm")
    engine = VlmAssistantEngine(model=str(tmp_path / "vlm"), device="cpu", dtype="float32", max_tokens=8, find=find)
    assert engine.answer(SEEN, nobody).origin == "quoted"
    described = engine.answer(DESCRIBED, nobody)
    assert described.origin == "worded" and described.text


@pytest.fixture
def small_vlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A small VLM and all that it looks with are there, at tiny size."""
    language, tokenizer = text_model()
    shape = {
        "image_tokens": 4, "placeholder": "<image>", "tags": 2, "told": 1, "middle": 4, "rank": 2, "alpha": 2,
        "targets": ["q_proj"],
    }  # fmt: skip
    write_eyes(tmp_path)
    model = SmallVlm.fresh(language, tokenizer, ClipVisionEncoder.token_dim, VlmModelConfig.model_validate(shape))
    model.save(tmp_path / "small-vlm")
    (tmp_path / "small-vlm" / "kinds.txt").write_text("dog\ncat\n", encoding="utf-8")
    monkeypatch.setattr(
        "pipelines.assistant.vlm.chat_vlm.TextChat.from_gguf", lambda *_, **__: TextChat(*text_model(), "tiny")
    )
    return lambda name: tmp_path / name


def test_the_embedded_engine_looks_at_a_picture_that_is_to_be_described(small_vlm: Callable[[str], Path]) -> None:
    engine = EmbeddedAssistantEngine(max_tokens=8, find=small_vlm)
    assert {*NEEDED, "smollm2", "small-vlm"} == set(engine.needs())
    assert engine.answer(SEEN, nobody).origin == "quoted"
    heard: list[str] = []
    described = engine.answer(DESCRIBED, heard.append)
    assert described.origin == "worded" and described.text == heard[-1]
    with pytest.raises(StudioError, match="cannot be loaded"):
        EmbeddedAssistantEngine(looks="lost", find=small_vlm).answer(DESCRIBED, nobody)


def test_a_small_vlm_alone_is_asked_everything_that_the_cards_do_not_say(
    small_vlm: Callable[[str], Path], tmp_path: Path
) -> None:
    engine = SmallVlmAssistantEngine(model=str(tmp_path / "small-vlm"), max_tokens=8, find=small_vlm)
    assert {*NEEDED, "smollm2"} == set(engine.needs())
    assert "small-vlm" in SmallVlmAssistantEngine().needs()
    assert engine.answer(SEEN, nobody).origin == "quoted"
    described = engine.answer(DESCRIBED, nobody)
    assert described.origin == "worded" and described.text


def test_every_engine_asks_its_own_chat_model_for_titles(find: Callable[[str], Path], tmp_path: Path) -> None:
    task = TitleTask(template="film", name="Bo", kind="dog", count=1)
    with pytest.raises(ModelMissing, match="smollm2 was asked for"):
        EmbeddedAssistantEngine(find=find).titles(task, lambda _: None)
    server = ServerAssistantEngine(url="http://127.0.0.1:9/v1", model="x", connect_seconds=2, find=find)
    with pytest.raises(StudioError, match=r"is not running|cannot be reached"):
        server.titles(task, lambda _: None)
    model, processor = llava()
    model.save_pretrained(tmp_path / "vlm")
    processor.save_pretrained(tmp_path / "vlm")
    heard: list[Sequence[str]] = []
    vlm = VlmAssistantEngine(model=str(tmp_path / "vlm"), device="cpu", dtype="float32", find=find)
    assert vlm.titles(task, heard.append) == ()  # random weights say letters
    assert heard and not any(heard)


def test_a_model_or_server_that_is_not_there_is_a_sentence(find: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="cannot be loaded"):
        VlmAssistantEngine(model=str(tmp_path / "none"), device="cpu", find=find).answer(DESCRIBED, nobody)
    server = ServerAssistantEngine(url="http://127.0.0.1:9/v1", model="x", connect_seconds=2, find=find)
    with pytest.raises(StudioError, match=r"is not running|cannot be reached"):
        server.answer(DESCRIBED, nobody)
    assert server.answer(SEEN, nobody).text == "That’s Bo."
    with pytest.raises(InvalidInput, match="write it like"):
        ServerAssistantEngine(url="localhost", model="x")
