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
from pipelines.assistant.claims import claims_of, without_claims
from pipelines.assistant.prompting import Prompt, build_invention, build_prompt
from pipelines.assistant.questions import Intent, intent_of, without_names
from pipelines.assistant.quoting import Quoting, seen

_NO_WORDS = "Making up texts needs a language model, and none is set up."


class AssistantPipeline:
    """Answers questions about things and pictures.

    Args:
        quoting: answers from recognition and the cards.
        chat: loads what gives its own words for the rest, when it is first needed; None: there is no such model.
        general: whether that model may answer any question; otherwise it only makes up texts that are asked for.
        looks: loads a model that is asked what a picture looks like, and nothing else; None: a general model that sees
            is, or nobody.
        quotes: whether what can be quoted is quoted; otherwise a general model is asked everything.
        max_tokens: of an answer in a model's own words.
    """

    def __init__(
        self,
        quoting: Quoting,
        chat: Callable[[], ChatModel] | None,
        *,
        looks: Callable[[], ChatModel] | None = None,
        general: bool = False,
        quotes: bool = True,
        max_tokens: int = 120,
    ) -> None:
        self.quoting = quoting
        self._general = general
        self._quotes = quotes or not general
        self._chat = chat
        self._looks = looks
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
        intent = self._intent(plain)
        quoted = self.quoting.answer(plain, intent) if self._quotes else None
        answer = quoted or self._worded(briefing if self._general else plain, intent, say)
        if choice is not None and answer.origin is Origin.QUOTED:
            answer = self._chosen(choice, quoted, answer, plain)
        say(answer.text)
        return answer

    def _intent(self, briefing: Briefing) -> Intent:
        """Return what is asked for; how a thing looks is asked of a card where nobody looks, or it is not there."""
        intent = intent_of(briefing.question, briefing.names)
        if intent is Intent.LOOK and not (shows_what_is_meant(briefing) and (self._looks or self._general)):
            return Intent.FACT
        return intent

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
        if intent in (Intent.DESCRIBE, Intent.LOOK) and self._looks is not None and briefing.picture is not None:
            told = seen(briefing) if intent is Intent.DESCRIBE and _needs_saying(briefing) else ""
            return self._looked(briefing, self._looks(), told, say)
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

    def _looked(self, briefing: Briefing, chat: ChatModel, told: str, say: Callable[[str], None]) -> Answer:
        """Ask what the picture looks like, after what is `told` anyhow; names that recognition did not find are not
        believed, and facts are not asked for."""
        prompt = build_prompt(briefing, sees=True)
        pieces: list[str] = []

        def hear(piece: str) -> None:
            pieces.append(piece)
            say(f"{told} {''.join(pieces)}".strip())

        self._read(chat, prompt, hear)
        text = self._believed("".join(pieces).strip(), briefing, chat, say)
        everywhere = tuple(range(len(briefing.spots)))
        if not text or _names_another(briefing, text):
            return Answer(text=seen(briefing), spots=everywhere)
        return Answer(text=f"{told} {text}".strip(), origin=Origin.WORDED, spots=everywhere)

    def _believed(self, text: str, briefing: Briefing, chat: ChatModel, say: Callable[[str], None]) -> str:
        """Return a description without the things that the model itself denies when it is asked about them."""
        denied = []
        for claim in claims_of(text):
            pieces: list[str] = []

            def hear(piece: str, heard: list[str] = pieces) -> None:
                heard.append(piece)
                say(text)  # nothing new, but whoever listens may stop it

            asked = dataclasses.replace(briefing, question=claim.question())
            self._read(chat, build_prompt(asked, sees=True), hear)
            if not "".join(pieces).strip().casefold().startswith("yes"):
                denied.append(claim)
        return without_claims(text, denied)

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


def shows_what_is_meant(briefing: Briefing) -> bool:
    """Say whether there is a picture, and in it one of the things that the question is about, if it is about any."""
    shown = {briefing.cards[spot.card].name for spot in briefing.spots if spot.card is not None}
    return briefing.picture is not None and (not briefing.meant or any(card.name in shown for card in briefing.meant))


def _needs_saying(briefing: Briefing) -> bool:
    """Say whether a description alone would hide something: several things, or one that was named without certainty."""
    unsure = any(spot.card is not None and spot.sureness != "sure" for spot in briefing.spots)
    return len(briefing.spots) > 1 or unsure


def _names_another(briefing: Briefing, text: str) -> bool:
    """Say whether a text names a card whose thing the picture does not show, or cites a fact."""
    shown = {spot.card for spot in briefing.spots}
    others = [name for at, card in enumerate(briefing.cards) if at not in shown for name in (card.name, *card.also)]
    return "[F" in text or without_names(text, others, "") != text


def whole_sentences(text: str) -> str:
    """Return `text` without the sentence in which a model ran out of room; all of it where it has one only."""
    end = max(text.rfind(mark) for mark in ".!?”")
    return text[: end + 1] if end > 0 else text
