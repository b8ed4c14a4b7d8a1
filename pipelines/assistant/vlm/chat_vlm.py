"""The small VLM as a chat model of the assistant.

chat = SmallVlmChat.open(folder, language, lambda kinds, config: open_eyes(kinds, config))
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from pipelines.assistant.chat import ChatError
from pipelines.assistant.chat_transformers import TextChat, generated
from pipelines.assistant.prompting import Prompt
from pipelines.assistant.vlm.batches import prompt_text
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.assistant.vlm.loading import KINDS
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.sight import Eyes
from pipelines.textimage.kinds import read_kinds

OpenEyes = Callable[[Sequence[str], VlmModelConfig], Eyes]


class SmallVlmChat:
    """Answers about a picture in the words of a small language model.

    Args:
        model: trained.
        tokenizer: of its language model.
        eyes: look at the pictures.
        name: for the answer's record.
    """

    sees = True

    def __init__(self, model: SmallVlm, tokenizer: Any, eyes: Eyes, name: str) -> None:
        self.model, self.tokenizer, self.eyes, self.name = model.eval(), tokenizer, eyes, name

    @classmethod
    def open(cls, folder: Path, language: Path, eyes: OpenEyes, *, threads: int = 2) -> Self:
        """Load what was trained from a folder, around the language model of a GGUF file.

        Args:
            folder: what was trained.
            language: the GGUF file.
            eyes: opens what looks at pictures, given the kinds that they may be tagged with and the model's shape.
            threads: of the language model.

        Raises:
            ChatError: one of them cannot be read.
        """
        chat = TextChat.from_gguf(language, language.name, threads=threads)
        try:
            model = SmallVlm.load(folder, chat.model, chat.tokenizer)
            kinds = read_kinds(folder / KINDS)
        except (OSError, ValueError, KeyError) as error:
            raise ChatError(f"The small VLM in {folder} cannot be loaded: {error}") from error
        return cls(model, chat.tokenizer, eyes(kinds, model.config), folder.name)

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """See `ChatModel.stream`; greedy."""
        sights = [self.eyes.see(picture.convert("RGB")) for picture in prompt.pictures]
        tags = [sight.tags.after(prompt.kinds) for sight in sights]
        text = prompt_text(prompt, self.tokenizer, self.model.config, tags)
        inputs = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        device = next(self.model.projector.parameters()).device
        pictures = torch.zeros(0, self.model.config.image_tokens, self.model.projector[0].normalized_shape[0])
        if sights:
            pictures = torch.from_numpy(np.stack([sight.tokens for sight in sights]))
        with torch.inference_mode():
            seen = self.model.embed(inputs["input_ids"].to(device), pictures.to(device))
        asked = {"inputs_embeds": seen, "attention_mask": inputs["attention_mask"].to(device)}
        return generated(self.model.language, self.tokenizer, asked, max_tokens)
