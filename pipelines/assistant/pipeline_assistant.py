"""A briefing to an answer: by quoting where that answers it, else in the words of a chat model, which cites facts.

pipeline = AssistantPipeline(Quoting(FactFinder(encoder, load_thresholds())), chat=None)
answer = pipeline(briefing, say=print)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing

from pipelines.assistant.briefing import Answer, Briefing, Origin
from pipelines.assistant.chat import ChatModel
from pipelines.assistant.choices import Choice, choice_of, without_manner
from pipelines.assistant.citations import Citations
from pipelines.assistant.prompting import Prompt, build_invention, build_prompt
from pipelines.assistant.questions import Intent, intent_of
from pipelines.assistant.quoting import Quoting, seen

_NO_WORDS = "Making up texts needs a language model, and none is set up."


class AssistantPipeline:
    """Answers questions about things and pictures.

    Args:
        quoting: answers from recognition and the cards.
        chat: loads what gives its own words for the rest, when it is first needed; None: there is no such model.
        general: whether that model may answer any question; otherwise it only makes up texts that are asked for.
        quotes: whether what can be quoted is quoted; otherwise a general model is asked everything.
        max_tokens: of an answer in a model's own words.
    """

    def __init__(
        self,
        quoting: Quoting,
        chat: Callable[[], ChatModel] | None,
        *,
        general: bool = False,
        quotes: bool = True,
        max_tokens: int = 120,
    ) -> None:
        self.quoting = quoting
        self._general = general
        self._quotes = quotes or not general
        self._chat = chat
        self._max_tokens = max_tokens

    def __call__(self, briefing: Briefing, say: Callable[[str], None]) -> Answer:
        """Answer.

        Args:
            briefing: what may be used.
            say: told the answer so far, again and again; may raise to stop it.

        Raises:
            ChatError: the chat model gave no answer.
        """
        choice = choice_of(briefing.question)
        plain = dataclasses.replace(
            briefing, question=choice.question if choice is not None else without_manner(briefing.question)
        )
        intent = intent_of(plain.question, plain.names)
        quoted = self.quoting.answer(plain, intent) if self._quotes else None
        answer = quoted or self._worded(briefing if self._general else plain, intent, say)
        if choice is not None and answer.origin is Origin.QUOTED:
            answer = self._chosen(choice, quoted, answer, plain)
        say(answer.text)
        return answer

    def _chosen(self, choice: Choice, quoted: Answer | None, answer: Answer, briefing: Briefing) -> Answer:
        """Put the option that an answer means before it; what was said for want of one means none of them."""
        option = self.quoting.option(choice, quoted or Answer(text=""), briefing)
        if option is None:
            return answer
        return dataclasses.replace(answer, text=f"{choice.labelled(option)}. {answer.text}")

    def _worded(self, briefing: Briefing, intent: Intent, say: Callable[[str], None]) -> Answer:
        if self._chat is not None and self._general:
            origin = Origin.INVENTED if intent is Intent.WRITE else Origin.WORDED
            return self._general_answer(briefing, self._chat(), origin, say)
        if intent is Intent.WRITE:
            return Answer(text=_NO_WORDS) if self._chat is None else self._invented(briefing, self._chat(), say)
        if intent is Intent.DESCRIBE:
            return Answer(text=seen(briefing), spots=tuple(range(len(briefing.spots))))
        return self.quoting.unknown(briefing)

    def _general_answer(
        self, briefing: Briefing, chat: ChatModel, origin: Origin, say: Callable[[str], None]
    ) -> Answer:
        prompt = build_prompt(briefing, sees=chat.sees)
        citations = Citations(prompt.facts)
        self._read(chat, prompt, lambda piece: say(citations.add(piece)))
        if not citations.text():
            return self.quoting.unknown(briefing)
        named = tuple(at for at, spot in enumerate(briefing.spots) if spot.card is not None)
        return Answer(text=citations.text(), origin=origin, facts=citations.cited, spots=named if chat.sees else ())

    def _invented(self, briefing: Briefing, chat: ChatModel, say: Callable[[str], None]) -> Answer:
        prompt = build_invention(briefing)
        pieces: list[str] = []

        def hear(piece: str) -> None:
            pieces.append(piece)
            say("".join(pieces).strip())

        self._read(chat, prompt, hear)
        text = whole_sentences("".join(pieces).strip())
        told = tuple(fact_id for fact_id, _ in prompt.facts.values())
        return Answer(text=text, origin=Origin.INVENTED, facts=told) if text else Answer(text=_NO_WORDS)

    def _read(self, chat: ChatModel, prompt: Prompt, hear: Callable[[str], None]) -> None:
        with closing(chat.stream(prompt, self._max_tokens)) as pieces:
            for piece in pieces:
                hear(piece)


def whole_sentences(text: str) -> str:
    """Return `text` without the sentence in which a model ran out of room; all of it where it has one only."""
    end = max(text.rfind(mark) for mark in ".!?”")
    return text[: end + 1] if end > 0 else text
