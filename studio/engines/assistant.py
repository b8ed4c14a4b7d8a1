"""Answers about a person's things: quoted from cards and recognition first, in a chat model's words for the rest."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio.engines.base import AssistantReply, AssistantTask, TitleTask
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import chosen_device
from studio.errors import InvalidInput, ModelMissing, StudioError

if TYPE_CHECKING:
    from pipelines.assistant.briefing import Briefing
    from pipelines.assistant.chat import ChatModel
    from pipelines.assistant.pipeline_assistant import AssistantPipeline

_MINILM = "minilm"
_SMALL_VLM = "small-vlm"
_LOOKED_WITH = ("clip-vision", "tinyvit", "textimage", "u2netp")  # besides the sentence encoder


class _QuotingEngine(ABC):
    """What the engines share: facts are found by MiniLM and quoted; each engine says which chat model words the rest.

    Args:
        max_tokens: of an answer in the chat model's own words.
        quotes: whether what can be quoted from cards and recognition is; otherwise the chat model is asked everything.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    general = True  # whether the chat model may answer any question

    def __init__(
        self,
        *,
        max_tokens: int,
        quotes: bool = True,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        self._max_tokens = max_tokens
        self._quotes = quotes
        self._models = Path(models) if models is not None else None
        self._find = find

    def answer(self, task: AssistantTask, say: Callable[[str], None]) -> AssistantReply:
        """See `AssistantEngine.answer`.

        Raises:
            ModelMissing: a model could not be had.
            StudioError: the chat model gave no answer.
        """
        from pipelines.assistant.chat import ChatError

        try:
            answer = self._pipeline(_briefing(task), say)
        except ChatError as error:
            raise StudioError(str(error)) from error
        return AssistantReply(
            text=answer.text, origin=answer.origin.value, facts=answer.facts, spots=answer.spots, draw=answer.draw
        )

    def titles(self, task: TitleTask, tell: Callable[[Sequence[str]], None]) -> tuple[str, ...]:
        """See `AssistantEngine.titles`.

        Raises:
            ModelMissing: the chat model could not be had.
            StudioError: it gave no answer.
        """
        from pipelines.assistant.chat import ChatError
        from pipelines.assistant.titles import TitleBrief, TitlePipeline, load_lessons

        brief = TitleBrief(template=task.template, name=task.name, kind=task.kind, tones=task.tones)
        try:
            return TitlePipeline(self._chat, load_lessons())(brief, tell=tell, count=task.count, seed=task.seed)
        except ChatError as error:
            raise StudioError(str(error)) from error

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return (_MINILM,)

    @abstractmethod
    def _open_chat(self) -> ChatModel:
        """Load the chat model."""

    def _looking(self) -> Callable[[], ChatModel] | None:
        """Return what loads a model that is only asked what a picture looks like; None: there is no such model."""
        return None

    @cached_property
    def _chat(self) -> ChatModel:
        quieten_libraries()
        return self._open_chat()

    @cached_property
    def _pipeline(self) -> AssistantPipeline:
        quieten_libraries()
        from pipelines.assistant.facts import FactFinder, load_thresholds
        from pipelines.assistant.pipeline_assistant import AssistantPipeline
        from pipelines.assistant.quoting import Quoting
        from pipelines.features.text_encoder import MiniLMTextEncoder

        finder = FactFinder(MiniLMTextEncoder(self._place(_MINILM)), load_thresholds())
        return AssistantPipeline(
            Quoting(finder),
            lambda: self._chat,
            looks=self._looking(),
            general=self.general,
            quotes=self._quotes,
            max_tokens=self._max_tokens,
        )

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, ResolverError, resolve

        if self._find is not None:
            return self._find(name)
        try:
            return resolve(name, config=self._models or DEFAULT_CATALOGUE)
        except ResolverError as error:
            raise ModelMissing(str(error)) from error


class EmbeddedAssistantEngine(_QuotingEngine):
    """The default: what is known is quoted; a small VLM says what a picture looks like, a text model makes up texts.

    With 135 million weights the text model is no source of facts: asked how old a dog is whose card does not say it, it
    answers "12 years old"; ``tests/bench/bench_assistant.py --language N`` shows more. So neither is asked for any.

    Args:
        language: name of the text model, a GGUF file.
        looks: name of the small VLM, which was trained around that text model; empty: nobody looks, a picture is
            described by what recognition found in it.
        threads: of the networks; a page is served beside them.
        max_tokens: of a text that it makes up.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    general = False

    def __init__(
        self,
        *,
        language: str = "smollm2",
        looks: str = _SMALL_VLM,
        threads: int = 2,
        max_tokens: int = 90,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        super().__init__(max_tokens=max_tokens, models=models, find=find)
        self._language, self._looks, self._threads = language, looks, threads

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return _looking_needs(self._language, self._looks) if self._looks else (_MINILM, self._language)

    def _open_chat(self) -> ChatModel:
        from pipelines.assistant.chat_transformers import TextChat

        return TextChat.from_gguf(self._place(self._language), self._language, threads=self._threads)

    def _looking(self) -> Callable[[], ChatModel] | None:
        return (lambda: self._small_vlm) if self._looks else None

    @cached_property
    def _small_vlm(self) -> ChatModel:
        quieten_libraries()
        return _small_vlm(self._place, self._looks, self._language, self._threads)


class VlmAssistantEngine(_QuotingEngine):
    """Any chat VLM of transformers: what the cards do not answer is answered from the picture.

    Args:
        model: a folder or a hub id, for example ``HuggingFaceTB/SmolVLM2-500M-Video-Instruct``.
        revision: of the hub id; a full commit pins it.
        device: ``auto`` takes the GPU where there is one.
        dtype: what it runs in; ``auto`` is what its weights are stored in.
        longest_edge: pictures are made at most this large before they are tokenised, in pixels.
        max_tokens: of an answer.
        quotes: false asks the chat model everything, even what can be quoted; for measuring it.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(  # noqa: PLR0913  (the options of a configuration)
        self,
        *,
        model: str,
        revision: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        longest_edge: int = 768,
        max_tokens: int = 200,
        quotes: bool = True,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        super().__init__(max_tokens=max_tokens, quotes=quotes, models=models, find=find)
        self._model, self._revision, self._device, self._dtype = model, revision, device, dtype
        self._longest_edge = longest_edge

    def _open_chat(self) -> ChatModel:
        from pipelines.assistant.chat_transformers import VlmChat

        return VlmChat.open(
            self._model,
            revision=self._revision,
            device=chosen_device(self._device),
            dtype=self._dtype,
            longest_edge=self._longest_edge,
        )


class SmallVlmAssistantEngine(_QuotingEngine):
    """The small VLM alone, asked everything that the cards do not answer; for measuring it.

    Args:
        model: its name, or the folder that ``python -m pipelines.assistant.vlm.train`` wrote.
        language: name of the text model that it was trained around, a GGUF file.
        threads: of the networks.
        max_tokens: of an answer.
        quotes: false asks the chat model everything, even what can be quoted.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(  # noqa: PLR0913  (the options of a configuration)
        self,
        *,
        model: str = _SMALL_VLM,
        language: str = "smollm2",
        threads: int = 2,
        max_tokens: int = 60,
        quotes: bool = True,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        super().__init__(max_tokens=max_tokens, quotes=quotes, models=models, find=find)
        self._model, self._language, self._threads = model, language, threads

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return _looking_needs(self._language, *(() if Path(self._model).is_dir() else (self._model,)))

    def _open_chat(self) -> ChatModel:
        return _small_vlm(self._place, self._model, self._language, self._threads)


class ServerAssistantEngine(_QuotingEngine):
    """A chat model behind an OpenAI-compatible server: vLLM, Ollama, llama.cpp.

    Args:
        url: up to and with ``/v1``.
        model: as the server calls it.
        sees: whether it takes pictures.
        key_variable: name of the environment variable that holds the server's key; empty: it asks for none.
        connect_seconds: how long to wait for the server to answer at all.
        silence_seconds: how long it may say nothing.
        max_tokens: of an answer.
        quotes: false asks the chat model everything, even what can be quoted; for measuring it.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(  # noqa: PLR0913  (the options of a configuration)
        self,
        *,
        url: str,
        model: str,
        sees: bool = True,
        key_variable: str = "",
        connect_seconds: float = 5.0,
        silence_seconds: float = 60.0,
        max_tokens: int = 300,
        quotes: bool = True,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        super().__init__(max_tokens=max_tokens, quotes=quotes, models=models, find=find)
        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"The chat server's url is {url!r}; write it like http://127.0.0.1:11434/v1.")
        self._url, self._model, self._sees = url, model, sees
        self._key_variable = key_variable
        self._seconds = (connect_seconds, silence_seconds)

    def _open_chat(self) -> ChatModel:
        from pipelines.assistant.chat_server import ChatServer, ServerChat

        key = os.environ.get(self._key_variable, "") if self._key_variable else ""
        connect, silence = self._seconds
        server = ChatServer(url=self._url, api_key=key, connect_seconds=connect, silence_seconds=silence)
        return ServerChat(server, self._model, sees=self._sees)


def _looking_needs(*names: str) -> tuple[str, ...]:
    """Return the names of the models of an engine with a small VLM: `names`, and those that it looks with."""
    return (_MINILM, *names, *_LOOKED_WITH)


def _small_vlm(place: Callable[[str], Path], model: str, language: str, threads: int) -> ChatModel:
    from pipelines.assistant.vlm.chat_vlm import SmallVlmChat
    from pipelines.assistant.vlm.loading import open_eyes

    folder = Path(model) if Path(model).is_dir() else place(model)
    return SmallVlmChat.open(folder, place(language), partial(open_eyes, find=place, threads=threads), threads=threads)


def _briefing(task: AssistantTask) -> Briefing:
    from pipelines.assistant.briefing import Briefing, Card, CardFact, Spot, Turn

    return Briefing(
        question=task.question,
        cards=tuple(
            Card(
                name=card.name,
                also=card.also,
                kind=card.kind,
                facts=tuple(CardFact(id=fact_id, text=text) for fact_id, text in card.facts),
                meant=card.meant,
            )
            for card in task.cards
        ),
        spots=tuple(Spot(box=spot.box, card=spot.card, sureness=spot.sureness, kind=spot.kind) for spot in task.spots),
        picture=task.picture,
        turns=tuple(Turn(role=role, text=text) for role, text in task.turns),
    )
