from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipelines.assistant.chat import ChatError
from pipelines.assistant.chat_transformers import TextChat, VlmChat
from pipelines.assistant.prompting import build_invention, build_prompt
from pipelines.resolver import status
from tests.pipelines.assistant.briefings import BO, briefing, spot
from tests.pipelines.assistant.tiny_chat import llava, text_model

SEEN = build_prompt(briefing("What now?", BO, spots=[spot(0)]), sees=True)
UNSEEN = build_prompt(briefing("What now?", BO), sees=True)


def test_a_text_model_gives_the_same_pieces_each_time() -> None:
    chat = TextChat(*text_model(), "tiny")
    prompt = build_invention(briefing("Write a card", BO))
    first, second = "".join(chat.stream(prompt, 12)), "".join(chat.stream(prompt, 12))
    assert first == second and len(first) > 0


@pytest.mark.parametrize("prompt", [SEEN, UNSEEN], ids=["with picture", "without"])
def test_a_vlm_answers_with_and_without_a_picture(prompt) -> None:
    chat = VlmChat(*llava(), "tiny")
    assert len("".join(chat.stream(prompt, 8))) > 0


def test_a_vlm_sees_the_picture() -> None:
    model, processor = llava()
    seen = []
    model.model.vision_tower.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs.get("pixel_values", args[0] if args else None)), with_kwargs=True
    )
    "".join(VlmChat(model, processor, "tiny").stream(SEEN, 2))
    assert seen and seen[0].shape == (1, 3, 32, 32)


def test_a_vlm_is_opened_from_a_folder(tmp_path: Path) -> None:
    model, processor = llava()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    chat = VlmChat.open(str(tmp_path), dtype="float32")
    assert "".join(chat.stream(SEEN, 6)) == "".join(VlmChat(model, processor, "tiny").stream(SEEN, 6))


def test_what_is_no_vlm_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChatError, match="cannot be loaded"):
        VlmChat.open(str(tmp_path))
    with pytest.raises(ChatError, match="cannot be loaded"):
        (tmp_path / "model.gguf").write_bytes(b"no weights")
        TextChat.from_gguf(tmp_path / "model.gguf", "broken")


def test_a_reader_who_leaves_stops_the_model() -> None:
    model, words = text_model()
    model.generation_config.eos_token_id = None
    steps = []
    model.model.register_forward_hook(lambda *_: steps.append(1))
    pieces = TextChat(model, words, "tiny").stream(build_invention(briefing("Write a card", BO)), 3000)
    next(pieces)
    pieces.close()
    import threading

    for thread in threading.enumerate():
        if thread.name == "chat":
            thread.join(60)
    assert len(steps) < 3000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_embedded_model_writes_about_what_it_is_told() -> None:
    found = status("smollm2")
    if not found.present or found.path is None:
        pytest.skip("The model smollm2 is not on this machine; fetch it with `python -m studio models fetch smollm2`.")
    chat = TextChat.from_gguf(found.path, "smollm2", threads=max(1, torch.get_num_threads()))
    text = "".join(chat.stream(build_invention(briefing("Write a birthday card for Bo.", BO)), 24))
    assert "Bo" in text
