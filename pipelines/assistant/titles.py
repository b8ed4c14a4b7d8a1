"""Titles for posters, made up by a chat model: examples of one pattern, one idea an answer, and a sieve for the rest.

The models may be tiny. So a model is asked for one title at a time, is shown four titles of one pattern before (small
models follow a pattern where they do not follow an instruction), and another pattern and idea at every try, as the
likeliest words are taken each time. What is no title (`objection`) is thrown away, and never put right or replaced.

titles = TitlePipeline(chat, load_lessons())(TitleBrief(template="film", name="Bo", kind="dog"), tell=print)
"""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.assistant.chat import ChatModel
from pipelines.assistant.prompting import Prompt

DEFAULT_LESSONS = Path(__file__).resolve().parents[2] / "configs" / "titles.yaml"
WORDS_MAX, WORD_MAX = 8, 14
_LETTERS = 6  # of a word, with the blank after it: longer titles are not read at a glance
_STEM = 5  # letters that two words of one stem share
_LIGHT = frozenset(["there", "where", "with", "this", "that", "your", "when", "what"])  # may come twice
_MAX_TOKENS = 20  # a title that needs more is too long
_RULES = "You write short poster titles."
_ABOUT_ITSELF = re.compile(r"\b(posters?|titles?|films?|movies?|quotes?|portraits?|ideas?)\b", re.IGNORECASE)
_UNENDED = re.compile(
    r"(^|\s)(a|an|the|and|or|but|of|in|on|at|to|for|from|with|by|is|are|was|my|your|its|our|their|that|which|who|as)$"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_MARKS = frozenset(" ,!?'’-:&")


@dataclass(frozen=True, kw_only=True)
class TitleBrief:
    """What a title is for.

    Attributes:
        template: a name in the lessons.
        name: of whom the poster shows; empty where that has no name.
        kind: class word; or, without a name, what is shown, in a few words.
        tones: what titles should be about first, such as ``peace and quiet``.
    """

    template: str
    name: str = ""
    kind: str = ""
    tones: tuple[str, ...] = ()

    @property
    def whom(self) -> str:
        """Whom the poster shows, in words."""
        return f"{self.name} the {self.kind}" if self.name and self.kind else self.name or self.kind or "something"


@dataclass(frozen=True)
class Example:
    """Whom a poster shows, what its title is about, and the title."""

    whom: str
    idea: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a model is shown for a template, and what it may not say.

    Attributes:
        ideas: things that titles may be about.
        groups: examples, each group of one pattern.
        words: of a title at most.
        unsaid: words that would tell what nobody has said.
    """

    ideas: tuple[str, ...]
    groups: tuple[tuple[Example, ...], ...]
    words: int = WORDS_MAX
    unsaid: frozenset[str] = frozenset()

    @property
    def examples(self) -> Iterator[Example]:
        """All of them."""
        return itertools.chain.from_iterable(self.groups)


def load_lessons(file: Path = DEFAULT_LESSONS) -> dict[str, Lesson]:
    """Read the lessons of every template."""
    told: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    unsaid = frozenset(" ".join(told["unsaid"]).split())
    return {
        template: Lesson(
            ideas=tuple(lesson["ideas"]),
            groups=tuple(tuple(Example(*example) for example in group) for group in lesson["examples"]),
            words=lesson.get("words", WORDS_MAX),
            unsaid=unsaid - {template},
        )
        for template, lesson in told["templates"].items()
    }


class TitlePipeline:
    """Makes titles up.

    Args:
        chat: says them; its pictures, where it sees any, are not used.
        lessons: of each template, see `load_lessons`.
        tries: answers that are asked for at most.
    """

    def __init__(self, chat: ChatModel, lessons: Mapping[str, Lesson], *, tries: int = 12) -> None:
        self._chat = chat
        self._lessons = lessons
        self._tries = tries

    def __call__(
        self, brief: TitleBrief, *, tell: Callable[[Sequence[str]], None], count: int = 4, seed: int = 0
    ) -> tuple[str, ...]:
        """Return at most `count` titles; fewer, or none, where the model gave no more that are of use.

        Args:
            brief: what they are for.
            tell: told the titles so far, again and again; may raise to stop.
            count: titles wanted.
            seed: chooses examples and ideas.

        Raises:
            ChatError: the chat model gave no answer.
            KeyError: there is no lesson for the template.
        """
        lesson = self._lessons[brief.template]
        found: list[str] = []
        for prompt in itertools.islice(prompts(brief, lesson, seed), self._tries):
            tell(tuple(found))
            line = self._line(prompt, lambda: tell(tuple(found)))
            if not objection(line, brief, lesson, found):
                found.append(line)
            if len(found) == count:
                break
        tell(tuple(found))
        return tuple(found)

    def _line(self, prompt: Prompt, hear: Callable[[], None]) -> str:
        """Return the first line of an answer; the rest of it is not waited for."""
        said = ""
        with closing(self._chat.stream(prompt, _MAX_TOKENS)) as pieces:
            for piece in pieces:
                hear()
                said += piece
                if "\n" in said.lstrip():
                    break
        return _plain(said)


def prompts(brief: TitleBrief, lesson: Lesson, seed: int) -> Iterator[Prompt]:
    """Yield prompts without end, each with another idea and group of examples than the one before."""
    chance = random.Random(seed)
    ideas = (*brief.tones, *chance.sample(lesson.ideas, len(lesson.ideas)))
    groups = chance.sample(lesson.groups, len(lesson.groups))
    for number in itertools.count():
        again, place = divmod(number, len(ideas))
        idea, group = ideas[place], groups[(place + again) % len(groups)]  # an idea comes back with other examples
        shown = chance.sample(group, len(group))
        turns = [
            (role, text)
            for one in shown
            for role, text in (("user", _asked(brief.template, one.whom, one.idea)), ("assistant", one.title))
        ]
        turns = [("system", _RULES), *turns, ("user", _asked(brief.template, brief.whom, idea))]
        messages = tuple({"role": role, "content": [{"type": "text", "text": text}]} for role, text in turns)
        yield Prompt(messages=messages, pictures=(), facts={})


def objection(line: str, brief: TitleBrief, lesson: Lesson, found: Sequence[str] = ()) -> str:
    """Return why a line is no title that could be offered, in a few words; "" where nothing speaks against it.

    Args:
        line: what a model said.
        brief: what it was asked for.
        lesson: what it was shown.
        found: titles that there are.
    """
    # a name may hold anything, so it is looked at apart from the rest
    said = re.sub(rf"(?<!\w){re.escape(brief.name)}(?!\w)", " ", line) if brief.name else line
    words = [word.casefold() for word in _WORD.findall(line)]
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("empty", lambda: not _WORD.search(said)),
        ("too long", lambda: len(line) > _LETTERS * lesson.words or len(words) > lesson.words),
        ("not in letters", lambda: not all(map(_is_set, said))),
        ("no words", lambda: any(_is_glued(word, brief.name) for word in _WORD.findall(said))),
        ("not ended", lambda: bool(_UNENDED.search(line.casefold())) or line[-1] in ",:-&"),
        ("stutters", lambda: _stutters(words)),
        ("about itself", lambda: bool(_ABOUT_ITSELF.search(said))),
        ("tells what nobody said", lambda: bool(_words(said) & lesson.unsaid)),
        ("names somebody else", lambda: _names_strangers(said, brief, lesson)),
        ("an example", lambda: any(_alike(said, one) for one in lesson.examples)),
        ("said already", lambda: any(_same(line, other) for other in found)),
    )
    return next((reason for reason, holds in checks if holds()), "")


def _asked(template: str, whom: str, idea: str) -> str:
    return f"{template} poster of {whom}, about {idea}"


def _plain(said: str) -> str:
    """Return the first line without marks around it."""
    lines = said.strip().splitlines()
    return lines[0].strip(' \t"“”*#').removesuffix(".").strip() if lines else ""


def _is_set(character: str) -> bool:
    return character in _MARKS or (character.isalpha() and unicodedata.name(character, "").startswith("LATIN"))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _is_glued(word: str, name: str) -> bool:
    """Say whether a word is several in one."""
    joined = "".join(name.casefold().split())
    within = " " in name and joined in word.casefold()
    return within or len(word) > WORD_MAX or any(letter.isupper() for letter in word[1:])


def _stutters(words: Sequence[str]) -> bool:
    """Say whether a stem comes twice, or any word twice in a row."""
    heavy = [word for word in words if len(word) > 3 and word.partition("'")[0] not in _LIGHT]
    same = any(_of_one_stem(one, other) for one, other in itertools.combinations(heavy, 2))
    return same or any(one == other for one, other in itertools.pairwise(words))


def _of_one_stem(one: str, other: str) -> bool:
    shared = min(_STEM, len(one), len(other))
    return one[:shared] == other[:shared]


def _names_strangers(said: str, brief: TitleBrief, lesson: Lesson) -> bool:
    """Say whether what is said beside the name is about somebody of the examples, or holds another name or half of it.

    Titles are in sentence case: a capital within is a name, and so is a first word before a comma where there is none.
    """
    if not brief.name and re.match(r"\w+,", said):
        return True
    others = set().union(*(_words(one.whom) for one in lesson.examples), _words(brief.name)) - {"the"}
    inner = _WORD.findall(said)[0 if said.startswith(" ") else 1 :]
    capitals = any(word[0].isupper() and word[:2] not in ("I", "I'") for word in inner)
    return capitals or bool(_words(said) & (others - _words(brief.kind)))


def _alike(said: str, example: Example) -> bool:
    """Say whether a line is the title of an example, but for the name."""
    return _same(said, example.title.replace(example.whom.partition(" the ")[0], " "))


def _same(one: str, other: str) -> bool:
    return [word.casefold() for word in _WORD.findall(one)] == [word.casefold() for word in _WORD.findall(other)]
