"""What the small VLM sees: kinds, colours, things, strangers and facts, on held-out drawings and on photos.

    python -m tests.bench.bench_vlm --data DIR --model FOLDER [--photos FOLDER] [--out F.json]

Compared are the model (sees), the same one with the picture's tags alone (tags: its picture tokens are zero), with
its tokens alone (tokens), with neither (blind), and the language model as it was, without a picture (plain). By rule
is what a sentence put together from the first tags is worth. Asked is what it learned to answer, about pictures of
individuals and kinds that training never saw, in the prompts that the studio makes, with noise concepts among the
cards. Of a photo the kinds and colours that count as right stand in `PHOTOS`, read off the photos by eye.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pipelines.assistant.briefing import Briefing
from pipelines.assistant.chat_transformers import TextChat
from pipelines.assistant.claims import claims_of, without_claims
from pipelines.assistant.prompting import build_prompt
from pipelines.assistant.vlm.batches import prompt_text
from pipelines.assistant.vlm.configuration_vlm import LessonConfig, load_config
from pipelines.assistant.vlm.depicted import Corpus, Depicted, chosen
from pipelines.assistant.vlm.loading import KINDS, open_eyes
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.samples import NO_PLACE, NOTHING, Exchange, Lesson, joined, lesson, sentence
from pipelines.assistant.vlm.shown import as_drawn
from pipelines.assistant.vlm.sight import Eyes, Sight, Tags
from pipelines.mini.data.composed import COMPANIONS, HATS
from pipelines.mini.layout import MOUNTS
from pipelines.mini.scene import COLOUR_WORDS
from pipelines.resolver import resolve
from pipelines.textimage.kinds import read_kinds

WAYS = ("sees", "tags", "tokens", "blind", "plain")
RULE = "by rule"
PHOTO_SET, SETS = "photos", ("photos", "individuals of known kinds", "the same in scenes", "kinds never seen")
MAX_TOKENS = 28
# kinds that count as right, and colours
PHOTOS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "backpack": (("backpack", "bag", "school bag"), ("red", "pink")),
    "backpack_dog": (("backpack", "bag", "dog"), ("grey", "brown")),
    "berry_bowl": (("bowl", "blueberries", "berries", "berry"), ("white", "blue")),
    "candle": (("candle", "jar"), ("white", "brown")),
    "cat": (("cat",), ("orange", "white")),
    "clock": (("clock", "alarm clock"), ("yellow", "orange")),
    "colorful_sneaker": (("shoe", "sneaker"), ("white",)),
    "dog": (("dog",), ("orange", "white", "brown")),
    "dog2": (("dog",), ("orange", "brown")),
    "dog3": (("dog", "poodle"), ("white",)),
    "dog5": (("dog",), ("brown", "orange")),
    "dog7": (("dog",), ("brown", "orange")),
    "duck_toy": (("duck", "chick", "bird"), ("yellow",)),
    "fancy_boot": (("boot", "shoe"), ("white",)),
    "grey_sloth_plushie": (("sloth", "teddy bear", "toy"), ("grey", "brown")),
    "pink_sunglasses": (("sunglasses", "glasses"), ("pink", "black")),
    "poop_emoji": (("poo", "poop"), ("brown",)),
    "rc_car": (("car", "automobile", "racing car"), ("red", "yellow")),
    "red_cartoon": (("monster", "devil", "ogre", "cartoon", "troll"), ("red",)),
    "wolf_plushie": (("wolf", "dog", "toy"), ("grey", "white")),
}
_THINGS = tuple(dict.fromkeys((*HATS, *MOUNTS, *COMPANIONS)))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture, what it shows, and what its subject may be called."""

    depicted: Depicted
    picture: Image.Image
    kinds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A lesson about a picture of a set, its sight, and what counts as right."""

    lesson: Lesson
    sight: Sight
    kinds: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """An answer with the names of the marks that it was given, 1 right, 0 wrong."""

    exchange: Exchange
    answer: str
    marks: Mapping[str, float]


def main() -> None:
    """Ask, mark and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the corpus")
    parser.add_argument("--model", type=Path, required=True, help="what pipelines.assistant.vlm.train wrote")
    parser.add_argument("--photos", type=Path, help="the DreamBooth photos")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--each", type=int, default=2, help="photos of each subject")
    parser.add_argument("--pictures", type=int, default=48, help="of each other set")
    parser.add_argument("--strangers", type=float, help="share of pictures of things without a card; None: as learned")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write figures and answers as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chat = TextChat.from_gguf(resolve("smollm2"), "smollm2", threads=options.threads)
    model = SmallVlm.load(options.model, chat.model.to(torch.bfloat16), chat.tokenizer).eval()
    eyes = open_eyes(read_kinds(options.model / KINDS), model.config, threads=options.threads)
    figures: dict[str, Any] = {}
    for name, some in sets_of(options, eyes):
        figures[name] = {}
        for way in (RULE, *options.ways):
            said = by_rule if way == RULE else partial(answered, model, chat.tokenizer, way=way)
            marked = [mark(one, *told) for one in some for told in said(one)]
            figures[name][way] = summary(marked)
            _print(name, way, figures[name][way], marked)
            if options.out is not None:
                _keep(options.out, figures, name, way, marked)


def sets_of(options: argparse.Namespace, eyes: Eyes) -> Iterator[tuple[str, list[Asked]]]:
    """Yield the sets of pictures with their lessons.

    They are photos, held-out individuals of kinds that were learned, those of them that wear, ride, stand beside or are
    somewhere, and drawings of kinds never seen.
    """
    corpus = Corpus(options.data)
    config = load_config()
    strangers = config.lessons.strangers if options.strangers is None else options.strangers
    lessons = config.lessons.model_copy(update={"questions": 10, "unseen": 0.0, "strangers": strangers})
    if options.photos is not None and PHOTO_SET in options.sets:
        yield PHOTO_SET, asked_about(list(_photos(options.photos, options.each)), eyes, lessons, options.seed)
    kinds = frozenset(read_kinds(options.model / KINDS))
    held_out = list(chosen(corpus, {"index": 300, "identities": 1000}, "test", options.seed))
    known = [one for one in held_out if one.part == "identities" and one.shows.kind in kinds]
    busy = [one for one in known if one.shows.wearing or one.shows.riding or one.shows.company or one.shows.place]
    never = [one for one in held_out if one.part == "index"]
    for name, pool in zip(SETS[1:], (known, busy, never), strict=True):
        if name not in options.sets:
            continue
        shown = [
            Shown(depicted=one.shows, picture=as_drawn(corpus.pixels(one.part, one.at)), kinds=(one.shows.kind,))
            for one in pool[: options.pictures]
        ]
        yield name, asked_about(shown, eyes, lessons, options.seed)


def asked_about(shown: Sequence[Shown], eyes: Eyes, config: LessonConfig, seed: int) -> list[Asked]:
    """Return a lesson about each picture, with cards of the others' kinds as noise concepts."""
    found = []
    for at, one in enumerate(shown):
        rng = random.Random(seed * 1_000_003 + at)
        others = [other.depicted for other in shown if other.depicted.kind != one.depicted.kind]
        made = lesson([one.depicted, *others], _Always(rng), config)
        found.append(Asked(lesson=made, sight=eyes.see(one.picture), kinds=one.kinds, colours=one.depicted.colours))
    return found


class _Always(random.Random):
    """Draws as another generator does, but the first choice is always the first thing: the picture that is meant."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng.random())
        self._first = True

    def choice(self, seq: Any) -> Any:
        first, self._first = self._first, False
        return seq[0] if first else super().choice(seq)


def answered(model: SmallVlm, tokenizer: Any, one: Asked, way: str) -> Iterator[tuple[Exchange, str]]:
    """Yield every exchange of a lesson with the answer of `way`; a description keeps what is not denied, as in the
    studio."""
    exchanges = one.lesson.exchanges
    for exchange, said in zip(exchanges, _said(model, tokenizer, one, way, one.lesson.briefings()), strict=True):
        claims = claims_of(said) if exchange.sort == "describe" else []
        about = [dataclasses.replace(one.lesson.briefing, question=claim.question()) for claim in claims]
        told = _said(model, tokenizer, one, way, about) if about else []
        denied = [claim for claim, yes in zip(claims, told, strict=True) if not yes.casefold().startswith("yes")]
        yield exchange, without_claims(said, denied)


def _said(model: SmallVlm, tokenizer: Any, one: Asked, way: str, briefings: Sequence[Briefing]) -> list[str]:
    """Return the answers to all `briefings` about the picture, asked in one batch."""
    sees = way != "plain"
    prompts = [build_prompt(briefing, sees=sees) for briefing in briefings]
    tags = one.sight.tags if way in ("sees", "tags") else Tags()
    texts = [prompt_text(prompt, tokenizer, model.config, [tags.after(prompt.kinds)]) for prompt in prompts]
    rows = tokenizer(texts, add_special_tokens=False)["input_ids"]
    longest = max(map(len, rows))
    fill = tokenizer.eos_token_id
    ids = torch.tensor([[fill] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    shown = torch.from_numpy(one.sight.tokens)[None] * (way in ("sees", "tokens"))
    tokens = shown.repeat(len(rows) if sees else 0, 1, 1)
    with torch.inference_mode():
        embedded = model.embed(ids, tokens) if sees else model.language.get_input_embeddings()(ids)
        asked = {"inputs_embeds": embedded, "attention_mask": mask}
        options = {"max_new_tokens": MAX_TOKENS, "do_sample": False, "pad_token_id": fill}
        if sees:
            said = model.language.generate(**asked, **options)
        else:
            with model.language.disable_adapter():
                said = model.language.generate(**asked, **options)
    return [tokenizer.decode(row, skip_special_tokens=True).strip() for row in said]


def by_rule(one: Asked) -> Iterator[tuple[Exchange, str]]:
    """Yield what can be put together from the cards and the first tags: a description, the colours and the kind."""
    tags = one.sight.tags.after(build_prompt(one.lesson.briefing, sees=True).kinds)
    kind, colours = tags.kinds[0], joined(tags.colours)
    told = {"describe": f"{colours} {kind}", "colour": colours, "kind": kind}
    for exchange in one.lesson.exchanges:
        if exchange.sort in told:
            yield exchange, sentence(told[exchange.sort])


def mark(one: Asked, exchange: Exchange, answer: str) -> Marked:
    """Mark an answer by its sort of question."""
    known = one.lesson.briefing.spots[0].card is not None
    wrong = [card.name for at, card in enumerate(one.lesson.briefing.cards) if at != one.lesson.briefing.spots[0].card]
    said = answer.casefold()
    marks: dict[str, float] = {}
    if exchange.sort == "describe":
        marks[f"describes {'what has a card' if known else 'a stranger'}: kind"] = _any_of(one.kinds, said)
        if one.colours:
            marks["describes: main colour"] = float(first_colour(said) in one.colours)
        marks["describes: invents a thing or a name"] = float(
            any(_any_of([thing], said) and thing not in exchange.answer.casefold() for thing in _THINGS)
            or bool(_any_of([name.casefold() for name in wrong], said))
        )
    elif exchange.sort == "colour" and one.colours:
        marks["colour"] = float(first_colour(said) in one.colours)
    elif exchange.sort in ("presence", "there"):
        name = "is this card there" if exchange.sort == "presence" else "is this thing there"
        marks[f"{name}: {exchange.answer.casefold().strip('.')}"] = float(
            said.startswith(exchange.answer[:2].casefold())
        )
    elif exchange.sort == "who" and not known:
        marks["stranger: does not know"] = float(
            "do not know" in said and not _any_of([w.casefold() for w in wrong], said)
        )
    elif exchange.sort == "kind" and not known:
        marks["stranger: kind"] = _any_of(one.kinds, said)
    elif exchange.sort == "who":
        marks["known: names it"] = float(exchange.answer.casefold() == said)
    elif exchange.sort == "fact":
        name = "fact: cited" if "[F" in exchange.answer else "fact: not on a card, does not know"
        marks[name] = float(exchange.answer == answer)
    elif exchange.sort in ("wearing", "company", "place"):
        marks[f"{exchange.sort}: {'nothing' if exchange.answer in (NOTHING, NO_PLACE) else 'something'}"] = float(
            exchange.answer == answer
        )
    return Marked(exchange=exchange, answer=answer, marks=marks)


def first_colour(said: str) -> str | None:
    """Return the first colour that a text names, by its plain name."""
    words = re.findall(r"[a-z]+", said)
    return next((COLOUR_WORDS[word] for word in words if word in COLOUR_WORDS), None)


def summary(marked: Sequence[Marked]) -> dict[str, dict[str, float]]:
    """Return the mean of every mark and how many answers it is of."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in marked:
        for name, value in one.marks.items():
            found[name].append(value)
    return {name: {"share": float(np.mean(values)), "of": len(values)} for name, values in sorted(found.items())}


def _any_of(words: Sequence[str], said: str) -> float:
    return float(any(re.search(rf"\b{re.escape(word)}s?\b", said) for word in words))


def _photos(folder: Path, each: int) -> Iterator[Shown]:
    """Yield some photos of each subject."""
    for subject, (kinds, colours) in PHOTOS.items():
        for file in sorted((folder / subject).glob("*.jpg"))[:each]:
            with Image.open(file) as opened:
                picture = opened.convert("RGB")
            yield Shown(depicted=Depicted(row=0, kind=kinds[0], colours=colours), picture=picture, kinds=kinds)


def _keep(out: Path, figures: Mapping[str, Any], name: str, way: str, marked: Sequence[Marked]) -> None:
    out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    with out.with_suffix(".answers.jsonl").open("a", encoding="utf-8") as file:
        for one in marked:
            told = {"set": name, "way": way, "sort": one.exchange.sort, "question": one.exchange.question}
            file.write(json.dumps(told | {"right": one.exchange.answer, "answer": one.answer}) + "\n")


def _print(name: str, way: str, found: Mapping[str, Mapping[str, float]], marked: Sequence[Marked]) -> None:
    print(f"\n{name}, {way}, {len(marked)} answers")
    for mark_name, value in found.items():
        print(f"  {mark_name:<44}{value['share']:.3f}  of {value['of']:.0f}")


if __name__ == "__main__":
    main()
