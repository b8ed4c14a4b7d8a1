"""Questions about things and the person they belong to, made by code from seeded cards; the protocol is MMPB's.

MMPB (arXiv 2509.22820) asks whether a thing is there (awareness), also where it is not (appropriateness), and what is
right for it or its person among four options (coherency). Of the wrong options at least one fits the thing but not the
question, and at least one fits the question and what the picture shows, but another thing. Captions and questions with
two options are those of RAP's evaluation (arXiv 2410.13360, §4).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.recognition.regions import Box

NAMES = (
    "Bo", "Juno", "Milo", "Pepper", "Otis", "Willow", "Rufus", "Hazel", "Quill", "Tilda", "Basil", "Nova", "Ziggy",
    "Maple", "Felix", "Olive", "Gus", "Ivy", "Banjo", "Cleo",
)  # fmt: skip
FACTS_OF_A_CARD = 3  # MMPB's “moderate” text: three keywords
LETTERS = "ABCD"
NOBODY = "none of my things"
# The fact with {} for its value, two questions, and values.
Topic = tuple[str, tuple[str, str], tuple[str, ...]]
OF_ANIMALS: tuple[Topic, ...] = (
    ("afraid of {}", ("What is {name} afraid of?", "What scares {name}?"),
     ("balloons", "thunder", "the vacuum cleaner", "umbrellas", "bicycles", "fireworks")),
    ("likes to eat {}", ("What does {name} like to eat?", "What is the favourite food of {name}?"),
     ("raw carrots", "boiled chicken", "apple slices", "rice cakes", "sardines", "cold oatmeal")),
    ("sleeps {}", ("Where does {name} sleep?", "Where does {name} spend the night?"),
     ("on the blue sofa", "under the stairs", "in a laundry basket", "beside the stove", "on the balcony")),
    ("born in {}", ("When was {name} born?", "What is the month of birth of {name}?"),
     ("May 2019", "August 2020", "January 2017", "October 2021", "March 2016")),
    ("plays with {}", ("What does {name} play with?", "Which toy does {name} like?"),
     ("a tennis ball", "an old sock", "a wooden spoon", "a squeaky duck", "a paper bag")),
)  # fmt: skip
OF_OBJECTS: tuple[Topic, ...] = (
    ("bought in {}", ("Where was {name} bought?", "In which town did I buy {name}?"),
     ("Lisbon", "Bergen", "Kyoto", "Naples", "Quebec", "Tallinn")),
    ("cost {} euros", ("How much did {name} cost?", "What was the price of {name}?"),
     ("12", "40", "75", "9", "120", "33")),
    ("a present from {}", ("Who gave me {name}?", "From whom did I get {name}?"),
     ("aunt Ilse", "uncle Jorge", "my sister", "a neighbour", "Grandpa Li")),
    ("kept {}", ("Where is {name} kept?", "Where do I keep {name}?"),
     ("on the top shelf", "in the hall cupboard", "by the window", "in a tin box", "under the desk")),
    ("repaired by {}", ("Who repaired {name}?", "Who mended {name}?"),
     ("Mr Okafor", "Mrs Lind", "the shop in Main Street", "my brother", "Tomas")),
)  # fmt: skip
ANIMALS = ("dog", "cat")
# Domain, then: what is preferred, and values. Five domains with six of each, as in MMPB.
PREFERENCES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "free time": (
        ("hobby", ("pottery", "chess", "archery", "birdwatching")),
        ("music", ("jazz", "opera", "folk", "techno")),
        ("sport", ("rowing", "tennis", "fencing", "skating")),
        ("film", ("westerns", "comedies", "thrillers", "musicals")),
        ("book", ("biographies", "crime novels", "poetry", "comics")),
        ("game", ("dominoes", "poker", "charades", "darts")),
    ),
    "food": (
        ("drink", ("green tea", "black coffee", "apple juice", "lemonade")),
        ("fruit", ("mango", "plum", "kiwi", "pear")),
        ("breakfast", ("porridge", "pancakes", "toast", "muesli")),
        ("soup", ("lentil", "tomato", "onion", "pumpkin")),
        ("dessert", ("rice pudding", "cheesecake", "sorbet", "baklava")),
        ("spice", ("cumin", "ginger", "paprika", "mint")),
    ),
    "clothes": (
        ("colour", ("green", "purple", "orange", "grey")),
        ("fabric", ("linen", "wool", "silk", "denim")),
        ("shoes", ("boots", "sandals", "loafers", "clogs")),
        ("hat", ("beret", "bowler", "straw hat", "cap")),
        ("pattern", ("stripes", "dots", "checks", "flowers")),
        ("jewellery", ("silver rings", "pearls", "bangles", "brooches")),
    ),
    "travel": (
        ("season", ("autumn", "spring", "winter", "summer")),
        ("transport", ("night train", "ferry", "bicycle", "camper")),
        ("landscape", ("dunes", "fjords", "forests", "lakes")),
        ("lodging", ("farm stays", "hostels", "tents", "castles")),
        ("souvenir", ("postcards", "magnets", "spoons", "stamps")),
        ("city", ("Porto", "Oslo", "Hanoi", "Lima")),
    ),
    "home": (
        ("plant", ("ferns", "cacti", "orchids", "ivy")),
        ("chair", ("rocking chair", "stool", "armchair", "bench")),
        ("smell", ("lavender", "cedar", "vanilla", "rosemary")),
        ("light", ("candles", "lanterns", "spotlights", "daylight")),
        ("chore", ("ironing", "gardening", "dusting", "cooking")),
        ("room", ("attic", "kitchen", "cellar", "library")),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing with a card: its facts by topic, as text and as value, and the words of their questions."""

    name: str
    kind: str
    facts: tuple[str, ...]
    values: tuple[str, ...]
    topics: tuple[Topic, ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a picture truly shows: things by index with their boxes, and how many without a card, by kind."""

    things: tuple[int, ...]
    boxes: tuple[Box, ...]
    strangers: tuple[str, ...] = ()
    strange_boxes: tuple[Box, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether it shows one thing, known or not."""
        return len(self.things) + len(self.strangers) == 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of one task.

    Attributes:
        task: the column that it counts in.
        text: as it is asked.
        right: ``yes``, ``no``, a letter, or, of a caption, the names due, joined by commas.
        picture: index of the picture that comes with it; None: none.
    """

    task: str
    text: str
    right: str
    picture: int | None = None


def things_of(kinds: Sequence[str], rng: random.Random) -> tuple[Thing, ...]:
    """Give every kind a name and facts."""
    names = rng.sample(NAMES, len(kinds))
    return tuple(_thing(name, kind, rng) for name, kind in zip(names, kinds, strict=True))


def _thing(name: str, kind: str, rng: random.Random) -> Thing:
    topics = rng.sample(OF_ANIMALS if kind in ANIMALS else OF_OBJECTS, FACTS_OF_A_CARD)
    values = tuple(rng.choice(values) for _, _, values in topics)
    facts = tuple(text.format(value) for (text, _, _), value in zip(topics, values, strict=True))
    return Thing(name=name, kind=kind, facts=facts, values=values, topics=tuple(topics))


def preferences_of(rng: random.Random) -> dict[str, str]:
    """Give the person one preference of each sort; sort → value."""
    return {what: rng.choice(values) for sorts in PREFERENCES.values() for what, values in sorts}


def note_of(what: str, value: str) -> str:
    """Return a preference as it is remembered."""
    return f"my favourite {what}: {value}"


def questions_of(things: Sequence[Thing], seen: Sequence[Seen], prefers: dict[str, str], seed: int) -> list[Question]:
    """Make all questions of all tasks."""
    rng = random.Random(seed)
    return [
        *_presence(things, seen, rng),
        *_who(things, seen, rng),
        *_facts(things, seen, rng),
        *_preferences(prefers, rng),
        *_captions(things, seen),
        *_two_options(things, seen, rng),
    ]


def _presence(things: Sequence[Thing], seen: Sequence[Seen], rng: random.Random) -> Iterator[Question]:
    for picture, shown in enumerate(seen):
        kinds = {*(things[one].kind for one in shown.things), *shown.strangers}
        absent = [at for at in range(len(things)) if at not in shown.things]
        alike = [at for at in absent if things[at].kind in kinds]
        unlike = [at for at in absent if things[at].kind not in kinds]
        size = "single" if shown.alone else "several"
        for one in shown.things:
            yield _is_there(things[one], f"awareness, {size}", "yes", picture)
        for task, others in (("same kind", alike), ("other kind", unlike)):
            if others and (shown.alone or task == "other kind"):
                task_name = f"appropriateness, {task if shown.alone else 'several'}"
                yield _is_there(things[rng.choice(others)], task_name, "no", picture)


def _is_there(thing: Thing, task: str, right: str, picture: int) -> Question:
    text = f"Is {thing.name} in this picture? Answer with yes or no."
    return Question(task=task, text=text, right=right, picture=picture)


def _who(things: Sequence[Thing], seen: Sequence[Seen], rng: random.Random) -> Iterator[Question]:
    names = [thing.name for thing in things]
    for picture, shown in enumerate(seen):
        if shown.alone:
            right = names[shown.things[0]] if shown.things else NOBODY
            kind = things[shown.things[0]].kind if shown.things else shown.strangers[0]
            same = [thing.name for thing in things if thing.kind == kind and thing.name != right]
            rest = [name for name in names if name != right and name not in same]
            likely = rng.sample(same, min(2, len(same))) + rng.sample(rest, min(3, len(rest)))
            wrong = [*likely[:2], NOBODY] if shown.things else likely[:3]
            yield _lettered("coherency, who", "Who is this?", right, wrong, rng, picture)


def _facts(things: Sequence[Thing], seen: Sequence[Seen], rng: random.Random) -> Iterator[Question]:
    for thing in things:
        for number, (_, words, _) in enumerate(thing.topics):
            right, wrong = _options(thing, number, things, rng)
            text = words[1].format(name=thing.name)
            yield _lettered("coherency, fact by name", text, right, wrong, rng)
    for picture, shown in enumerate(seen):
        if shown.alone and shown.things:
            thing = things[shown.things[0]]
            number = rng.randrange(FACTS_OF_A_CARD)
            right, wrong = _options(thing, number, things, rng)
            text = thing.topics[number][1][0].format(name="it")
            yield _lettered("coherency, fact by picture", text, right, wrong, rng, picture)


def _options(thing: Thing, number: int, things: Sequence[Thing], rng: random.Random) -> tuple[str, list[str]]:
    """Return the right option and three wrong ones: of the same card, of others of its kind, and of nobody."""
    right = thing.facts[number]
    own = rng.choice([fact for at, fact in enumerate(thing.facts) if at != number])
    text, _, values = thing.topics[number]
    there = {fact for other in things for fact in other.facts if other.kind == thing.kind}
    alike = [text.format(value) for value in values if text.format(value) != right]
    alike.sort(key=lambda fact: (fact not in there, rng.random()))
    return right, [own, *alike[:2]]


def _preferences(prefers: dict[str, str], rng: random.Random) -> Iterator[Question]:
    for sorts in PREFERENCES.values():
        for what, values in sorts:
            wrong = [value for value in values if value != prefers[what]]
            yield _lettered("coherency, preference", f"What is my favourite {what}?", prefers[what], wrong, rng)


def _captions(things: Sequence[Thing], seen: Sequence[Seen]) -> Iterator[Question]:
    for picture, shown in enumerate(seen):
        names = ",".join(things[one].name for one in shown.things)
        yield Question(task="caption", text="Give a caption of the image.", right=names, picture=picture)


def _two_options(things: Sequence[Thing], seen: Sequence[Seen], rng: random.Random) -> Iterator[Question]:
    for thing in things:
        for number, (_, words, _) in enumerate(thing.topics):
            right, wrong = _options(thing, number, things, rng)
            text = words[0].format(name=thing.name)
            yield _lettered("QA by text", text, right, rng.sample(wrong, 1), rng)
    for picture, shown in enumerate(seen):
        for one, (left, _, right, _) in zip(shown.things, shown.boxes, strict=True):
            middle = (left + right) / 2
            if not shown.alone and abs(middle - 0.5) > 0.17:
                sides = ("on the left", "on the right") if middle < 0.5 else ("on the right", "on the left")
                text = f"Where is {things[one].name} in this picture?"
                yield _lettered("QA by picture", text, sides[0], [sides[1]], rng, picture)


def _lettered(
    task: str, text: str, right: str, wrong: Sequence[str], rng: random.Random, picture: int | None = None
) -> Question:
    options = [right, *wrong]
    rng.shuffle(options)
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    asked = "\n".join([text, *lines, "Answer with the letter of one option."])
    return Question(task=task, text=asked, right=LETTERS[options.index(right)], picture=picture)
