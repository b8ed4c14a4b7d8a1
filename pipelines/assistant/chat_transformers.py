"""Chat models of transformers on this machine: any VLM by its folder or hub id, and small text models from GGUF."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Self

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    StoppingCriteria,
    StoppingCriteriaList,
)
from transformers.generation.streamers import TextStreamer

from pipelines.assistant.chat import ChatError, in_thread
from pipelines.assistant.prompting import Prompt


class VlmChat:
    """A chat VLM behind ``AutoModelForImageTextToText``: SmolVLM2, Qwen2.5-VL, Qwen3-VL, LLaVA and their like.

    Args:
        model: with a ``generate`` of transformers.
        processor: with a chat template.
        name: for the answer's record.
        longest_edge: pictures are made at most this large before they are tokenised, in pixels.
    """

    sees = True

    def __init__(self, model: Any, processor: Any, name: str, *, longest_edge: int = 768) -> None:
        self.model, self.processor, self.name = model.eval(), processor, name
        self._longest_edge = longest_edge

    @classmethod
    def open(
        cls,
        model: str,
        *,
        revision: str | None = None,
        device: str = "cpu",
        dtype: str = "auto",
        longest_edge: int = 768,
    ) -> Self:
        """Load a model from a folder or the hub: safetensors only, and no code of its own.

        Raises:
            ChatError: it cannot be had, or it is no chat VLM.
        """
        chosen = {"revision": revision, "trust_remote_code": False}
        try:
            processor = AutoProcessor.from_pretrained(model, **chosen)
            weights = AutoModelForImageTextToText.from_pretrained(model, dtype=dtype, use_safetensors=True, **chosen)
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ChatError(f"The chat model {model} cannot be loaded: {reason}") from error
        if getattr(processor, "chat_template", None) is None:
            raise ChatError(f"The chat model {model} has no chat template; choose one that was made for conversations.")
        return cls(weights.to(device), processor, model, longest_edge=longest_edge)

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """See `ChatModel.stream`; greedy."""
        text = self.processor.apply_chat_template(list(prompt.messages), add_generation_prompt=True, tokenize=False)
        pictures = []
        for picture in prompt.pictures:
            smaller = picture.convert("RGB")
            smaller.thumbnail((self._longest_edge, self._longest_edge))
            pictures.append(smaller)
        inputs = self.processor(text=[text], images=[pictures] if pictures else None, return_tensors="pt")
        inputs = inputs.to(self.model.device)
        tokenizer = getattr(self.processor, "tokenizer", self.processor)
        return generated(self.model, tokenizer, inputs, max_tokens)


class TextChat:
    """A small text model, for wording only: it sees no pictures and is not trusted with facts.

    Args:
        model: a causal language model.
        tokenizer: with a chat template.
        name: for the answer's record.
    """

    sees = False

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.model, self.tokenizer, self.name = model.eval(), tokenizer, name

    @classmethod
    def from_gguf(cls, file: Path, name: str, *, threads: int = 2) -> Self:
        """Load a GGUF file; its weights are unpacked to float32, which takes four bytes a weight.

        Raises:
            ChatError: the file cannot be read.
        """
        torch.set_num_threads(threads)
        try:
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
            model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ChatError(f"The language model {file.name} cannot be loaded: {error}") from error
        return cls(model, tokenizer, name)

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """See `ChatModel.stream`; greedy, with a little against repetition."""
        messages = [
            {"role": message["role"], "content": "".join(part.get("text", "") for part in message["content"])}
            for message in prompt.messages
        ]
        inputs = self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        return generated(self.model, self.tokenizer, inputs, max_tokens, repetition_penalty=1.1)


class _Pieces(TextStreamer):
    """Hands over text as it becomes certain; transformers' own iterator streamer cannot be stopped."""

    def __init__(self, tokenizer: Any, say: Callable[[str], None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._say = say

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        """Pass a piece on."""
        self._say(text)


class _Heartbeat(StoppingCriteria):
    """Looks at every token whether the answer is still wanted."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Never ends by itself; `say` raises where the reader has gone."""
        self._say("")
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def generated(model: Any, tokenizer: Any, inputs: Any, max_tokens: int, **options: Any) -> Generator[str]:
    """Give what `model.generate` says to `inputs`, greedy, in pieces; see `in_thread`."""

    def work(say: Callable[[str], None]) -> None:
        with torch.inference_mode():
            model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                do_sample=False,
                streamer=_Pieces(tokenizer, say),
                stopping_criteria=StoppingCriteriaList([_Heartbeat(say)]),
                pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
                **options,
            )

    return in_thread(work)
