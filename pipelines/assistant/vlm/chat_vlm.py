"""The small VLM as a chat model of the assistant.

chat = SmallVlmChat(SmallVlm.load(folder, language, tokenizer), tokenizer, encoder, "small")
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

import torch

from pipelines.assistant.chat import ChatError
from pipelines.assistant.chat_transformers import TextChat, generated
from pipelines.assistant.prompting import Prompt
from pipelines.assistant.vlm.batches import prompt_text
from pipelines.assistant.vlm.modeling_vlm import SmallVlm, image_tokens
from pipelines.features.image_encoders import ImageEncoder


class SmallVlmChat:
    """Answers about a picture in the words of a small language model.

    Args:
        model: trained.
        tokenizer: of its language model.
        encoder: gives the frozen image tokens.
        name: for the answer's record.
    """

    sees = True

    def __init__(self, model: SmallVlm, tokenizer: Any, encoder: ImageEncoder, name: str) -> None:
        self.model, self.tokenizer, self.encoder, self.name = model.eval(), tokenizer, encoder, name

    @classmethod
    def open(cls, folder: Path, language: Path, encoder: ImageEncoder, *, threads: int = 2) -> Self:
        """Load what was trained from a folder, around the language model of a GGUF file.

        Raises:
            ChatError: one of them cannot be read.
        """
        chat = TextChat.from_gguf(language, language.name, threads=threads)
        try:
            model = SmallVlm.load(folder, chat.model, chat.tokenizer)
        except (OSError, ValueError, KeyError) as error:
            raise ChatError(f"The small VLM in {folder} cannot be loaded: {error}") from error
        return cls(model, chat.tokenizer, encoder, folder.name)

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """See `ChatModel.stream`; greedy."""
        text = prompt_text(prompt, self.tokenizer, self.model.config)
        inputs = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        device = next(self.model.projector.parameters()).device
        width = self.model.projector[0].normalized_shape[0]
        pictures = torch.zeros(0, self.model.config.image_tokens, width)
        if prompt.pictures:
            shown = [picture.convert("RGB") for picture in prompt.pictures]
            pictures = torch.from_numpy(image_tokens(shown, self.encoder, self.model.config.image_tokens))
        with torch.inference_mode():
            seen = self.model.embed(inputs["input_ids"].to(device), pictures.to(device))
        asked = {"inputs_embeds": seen, "attention_mask": inputs["attention_mask"].to(device)}
        return generated(self.model.language, self.tokenizer, asked, max_tokens)
