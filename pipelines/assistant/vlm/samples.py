"""What the small VLM learns from: prompts of the studio about drawings, with retrieved cards, and right answers.

RAP (arXiv 2410.13360, §3.4) adds unrelated cards, its noise concepts, to a prompt whose answer stays the same; without
them its precision falls from 96 to 58. Here as well: cards of other things stand in a prompt, and in a share of the
lessons the picture shows none of the cards.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from pipelines.assistant.briefing import Briefing, Card, CardFact, Spot
from pipelines.assistant.vlm.configuration_vlm import LessonConfig
from pipelines.assistant.vlm.depicted import Depicted
from pipelines.mini.data.captions import plural
from pipelines.mini.data.composed import COMPANIONS, HATS
from pipelines.mini.layout import PLACES
from pipelines.mini.scene import article
from pipelines.recognition.regions import Box

DESCRIBE = (
    "Describe this picture.", "Describe the picture", "What is happening here?", "What's going on in this picture?",
    "Please describe this photo.", "Caption this picture.", "Can you describe what you see?",
)  # fmt: skip
STRANGER, UNKNOWN, NOTHING, NO_PLACE = "I do not know this one.", "I do not know that.", "Nothing.", "I cannot tell."
FACTS = (
    ("afraid of", "What is {} afraid of?", ("balloons", "thunder", "mice", "the dark", "bees")),
    ("bought in", "Where was {} bought?", ("Lisbon", "Oslo", "Naples", "a flea market", "York")),
    ("likes", "What does {} like?", ("carrots", "rain", "long walks", "music", "warm milk")),
    ("a present from", "Who gave me {}?", ("Ilse", "my brother", "a neighbour", "Grandma", "Tomas")),
    ("kept in", "Where is {} kept?", ("the attic", "a tin box", "the garden", "the hall", "a drawer")),
    ("born in", "When was {} born?", ("May", "2019", "the spring", "December", "1998")),
    ("belongs to", "Who does {} belong to?", ("Ana", "my aunt", "Jonas", "the neighbours", "Mira")),
)
_SYLLABLES = ("ba", "bo", "da", "fi", "ko", "la", "li", "mo", "na", "ni", "pi", "ra", "ro", "su", "ta", "vi", "zo")
_NAMES = ("Bo", "Ana", "Rex", "Luna", "Max", "Milo", "Bella", "Otto", "Ruby", "Coco", "Felix", "Nala", "Oscar", "Pip")
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_EMPTY = Image.new("RGB", (1, 1))


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A question, the answer to learn, and which sort of question it is."""

    sort: str
    question: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A picture, by its row among the image tokens, what is known about it, and what is asked about it.

    Attributes:
        row: of the picture's tokens; None: there is no picture.
        briefing: everything but the question.
        exchanges: each is asked by itself, not one after the other.
    """

    row: int | None
    briefing: Briefing
    exchanges: tuple[Exchange, ...]

    def briefings(self) -> list[Briefing]:
        """Return the briefing of each exchange."""
        return [dataclasses.replace(self.briefing, question=one.question) for one in self.exchanges]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What questions are drawn about: a picture, the cards, which of them it shows, and what it might show instead."""

    shown: Depicted
    cards: tuple[Card, ...]
    at: int | None
    kinds: Sequence[str]

    @property
    def name(self) -> str:
        """What the subject is called by who asks: its name, or it."""
        return "it" if self.at is None else self.cards[self.at].name


def lesson(pictures: Sequence[Depicted], rng: random.Random, config: LessonConfig) -> Lesson:
    """Draw a lesson.

    Args:
        pictures: all of them.
        rng: seeded.
        config: how many cards and questions, and how often none of the cards is shown.
    """
    shown = rng.choice(pictures)
    kinds = [one.kind for one in rng.sample(pictures, min(len(pictures), 12)) if one.kind != shown.kind]
    known = rng.random() >= config.strangers
    noise = rng.choice(range(config.cards)) if rng.random() < config.noise else 0
    cards = [_card(kind, rng) for kind in kinds[:noise]]
    at = rng.randrange(len(cards) + 1) if known else None
    if at is not None:
        cards.insert(at, _card(shown.kind, rng))
    scene = Scene(shown=shown, cards=tuple(cards), at=at, kinds=kinds or [shown.kind])
    if cards and rng.random() < config.unseen:
        return Lesson(row=None, briefing=Briefing(question="", cards=scene.cards), exchanges=_facts_only(scene, rng))
    spot = Spot(box=_nearly(shown.box, rng), card=at, sureness=rng.choice(("sure", "sure", "likely", "perhaps")))
    more = tuple(Spot(box=shown.box) for _ in range(rng.choice((0, 0, 0, 1))))
    briefing = Briefing(question="", cards=scene.cards, spots=(spot, *more), picture=_EMPTY)
    asked = rng.sample(tuple(ASKED), min(len(ASKED), max(0, config.questions - 1)))
    exchanges = [described(scene, rng), *(made for one in asked if (made := one(scene, rng)) is not None)]
    return Lesson(row=shown.row, briefing=briefing, exchanges=tuple(exchanges))


def described(scene: Scene, rng: random.Random) -> Exchange:
    """Ask for a description."""
    return Exchange(sort="describe", question=rng.choice(DESCRIBE), answer=description(scene))


def description(scene: Scene) -> str:
    """Return what a picture shows in one sentence, with the name of what is known."""
    shown = scene.shown
    noun = " ".join(filter(None, (joined(shown.colours), shown.kind)))
    subject = article(noun) if shown.count == 1 else f"{_NUMBERS[shown.count]} {plural(noun)}"
    if scene.at is not None:
        subject = f"{scene.name}, {subject},"
    parts = [
        subject,
        f"wearing {article(shown.wearing)}" if shown.wearing else "",
        f"riding {article(shown.riding)}" if shown.riding else "",
        f"next to {article(shown.company)}" if shown.company else "",
        shown.place,
    ]
    return sentence(" ".join(filter(None, parts)).removesuffix(","))


def sentence(words: str) -> str:
    """Return words as a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


def joined(words: Sequence[str]) -> str:
    """Return words with “and” between them."""
    return " and ".join(words)


def _who(scene: Scene, rng: random.Random) -> Exchange:
    question = rng.choice(("Who is this?", "What is this?", "Who is in this picture?"))
    if scene.at is not None:
        return Exchange(sort="who", question=question, answer=f"That is {scene.name}.")
    return Exchange(sort="who", question=question, answer=f"{STRANGER} It looks like {article(scene.shown.kind)}.")


def _kind(scene: Scene, rng: random.Random) -> Exchange:
    question = rng.choice(("What kind of thing is {}?", "What sort of thing is {}?")).format(scene.name)
    return Exchange(sort="kind", question=question, answer=sentence(article(scene.shown.kind)))


def _presence(scene: Scene, rng: random.Random) -> Exchange | None:
    if not scene.cards:
        return None
    asked = scene.at if scene.at is not None and rng.random() < 0.5 else rng.randrange(len(scene.cards))
    question = rng.choice(("Is {} in this picture?", "Do you see {}?")).format(scene.cards[asked].name)
    return Exchange(sort="presence", question=question, answer="Yes." if asked == scene.at else "No.")


def _there(scene: Scene, rng: random.Random) -> Exchange:
    """Ask whether the picture shows a thing that has no card; half of the time it does."""
    shown = scene.shown
    there = [thing for thing in (shown.kind, shown.wearing, shown.riding, shown.company) if thing]
    yes = rng.random() < 0.5
    absent = [thing for thing in (*HATS, *COMPANIONS, *scene.kinds) if thing not in there]
    thing = rng.choice(there if yes else absent)
    return Exchange(
        sort="there", question=f"Is there {article(thing)} in this picture?", answer="Yes." if yes else "No."
    )


def _colour(scene: Scene, rng: random.Random) -> Exchange | None:
    question = rng.choice(("What colour is {}?", "What colours does {} have?", "What color is {}?"))
    if not scene.shown.colours:
        return None
    return Exchange(sort="colour", question=question.format(scene.name), answer=sentence(joined(scene.shown.colours)))


def _wearing(scene: Scene, rng: random.Random) -> Exchange:
    question = rng.choice(("What is {} wearing?", "What does {} wear?")).format(scene.name)
    worn = scene.shown.wearing
    return Exchange(sort="wearing", question=question, answer=sentence(article(worn)) if worn else NOTHING)


def _company(scene: Scene, rng: random.Random) -> Exchange:
    question = rng.choice(("What is next to {}?", "What is with {}?", "What else is there beside {}?"))
    beside = scene.shown.company
    return Exchange(
        sort="company", question=question.format(scene.name), answer=sentence(article(beside)) if beside else NOTHING
    )


def _place(scene: Scene, rng: random.Random) -> Exchange:
    question = rng.choice(("What place is this?", "Where was this picture taken?", "Where are we here?"))
    place = scene.shown.place
    return Exchange(sort="place", question=question, answer=sentence(place) if place in PLACES else NO_PLACE)


def _fact(scene: Scene, rng: random.Random) -> Exchange:
    """Ask for a fact: its number in the prompt is the answer, and that there is none where no card tells it."""
    words, question, _ = rng.choice(FACTS)
    about = scene.at
    if about is None:
        return Exchange(sort="fact", question=question.format("it"), answer=UNKNOWN)
    known = [fact.text for fact in scene.cards[about].facts]
    if known and rng.random() < 0.5:
        text = rng.choice(known)
        words, question, _ = next(one for one in FACTS if text.startswith(one[0]))
    told = [(at, fact) for at, card in enumerate(scene.cards) for fact in card.facts]
    number = next((n for n, (at, fact) in enumerate(told, 1) if at == about and fact.text.startswith(words)), 0)
    return Exchange(sort="fact", question=question.format(scene.name), answer=f"[F{number}]" if number else UNKNOWN)


def _facts_only(scene: Scene, rng: random.Random) -> tuple[Exchange, ...]:
    """Ask for facts of any of the cards, where there is no picture."""
    abouts = [rng.randrange(len(scene.cards)) for _ in range(3)]
    return tuple(_fact(dataclasses.replace(scene, at=about), rng) for about in abouts)


# What is asked besides a description, each at most once about a picture.
ASKED: tuple[Callable[[Scene, random.Random], Exchange | None], ...] = (
    _who, _kind, _presence, _there, _colour, _wearing, _company, _place, _fact,
)  # fmt: skip


def _card(kind: str, rng: random.Random) -> Card:
    chosen = rng.sample(FACTS, rng.choice((0, 1, 1, 2)))
    facts = tuple(CardFact(id=words, text=f"{words} {rng.choice(values)}") for words, _, values in chosen)
    return Card(name=_name(rng), kind=kind, facts=facts, meant=True)


def _name(rng: random.Random) -> str:
    """Return a name; most are words that no language model knows, so that they have to be read from the card."""
    if rng.random() < 0.2:
        return rng.choice(_NAMES)
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def _nearly(box: Box, rng: random.Random) -> Box:
    """Return a box as recognition may have found it."""
    left, top, right, bottom = (min(1.0, max(0.0, edge + rng.uniform(-0.05, 0.05))) for edge in box)
    return left, top, max(right, left), max(bottom, top)
