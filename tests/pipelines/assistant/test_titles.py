from __future__ import annotations

import itertools
from collections.abc import Generator

import pytest

from pipelines.assistant.chat_transformers import TextChat
from pipelines.assistant.prompting import Prompt
from pipelines.assistant.titles import Lesson, TitleBrief, TitlePipeline, load_lessons, objection, prompts
from tests.pipelines.assistant.tiny_chat import text_model

LESSONS = load_lessons()
BO = TitleBrief(template="film", name="Bo", kind="dog")
MUG = TitleBrief(template="film", name="Blue Mug", kind="mug")


class Sayings:
    """Says one line after the other, each in pieces and with more below it; remembers what it was asked."""

    name, sees = "sayings", False

    def __init__(self, *lines: str) -> None:
        self._lines = itertools.cycle(lines)
        self.prompts: list[Prompt] = []
        self.pieces = 0

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        self.prompts.append(prompt)
        for piece in (*next(self._lines).split(" "), "\n", "And", "so", "on"):
            self.pieces += 1
            yield f"{piece} "


def told(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message["role"], message["content"][0]["text"]) for message in prompt.messages]


def test_good_lines_are_kept_once_and_bad_ones_thrown_away() -> None:
    chat = Sayings('"Bo and the moon"', "Bo and the moon.", "Rex and the moon", "The", "Bo beyond the hills")
    heard: list[tuple[str, ...]] = []
    titles = TitlePipeline(chat, LESSONS)(BO, tell=lambda so_far: heard.append(tuple(so_far)), count=2)
    assert titles == ("Bo and the moon", "Bo beyond the hills")
    assert heard[0] == () and heard[-1] == titles
    assert len(chat.prompts) == 5


def test_an_answer_is_left_after_its_first_line() -> None:
    chat = Sayings("Bo and the moon")
    TitlePipeline(chat, LESSONS)(BO, tell=lambda _: None, count=1)
    assert chat.pieces == 5


def test_a_model_that_says_nothing_of_use_gives_none_and_is_not_asked_for_ever() -> None:
    chat = Sayings("The title of the poster is Rex", "12 years old today")
    assert TitlePipeline(chat, LESSONS, tries=6)(BO, tell=lambda _: None) == ()
    assert len(chat.prompts) == 6
    assert TitlePipeline(TextChat(*text_model(), "tiny"), LESSONS, tries=2)(BO, tell=lambda _: None) == ()


def test_whoever_hears_may_stop() -> None:
    class Enough(Exception):
        pass

    def stop(_: object) -> None:
        raise Enough

    chat = Sayings("Bo and the moon")
    with pytest.raises(Enough):
        TitlePipeline(chat, LESSONS)(BO, tell=stop)
    assert not chat.prompts


def test_every_answer_is_asked_for_with_another_idea_and_other_examples() -> None:
    brief = TitleBrief(template="film", name="Bo", kind="dog", tones=("peace and quiet",))
    first = list(itertools.islice(prompts(brief, LESSONS["film"], seed=1), 20))
    asked = [told(prompt) for prompt in first]
    assert asked[0][-1] == ("user", "film poster of Bo the dog, about peace and quiet")
    ideas = {turns[-1][1].partition("about ")[2] for turns in asked[:9]}
    assert ideas == {"peace and quiet", *LESSONS["film"].ideas}
    examples = [frozenset(text for role, text in turns if role == "assistant") for turns in asked]
    assert all(one != other for one, other in itertools.pairwise(examples))
    pairs = [(turns[-1][1], shown) for turns, shown in zip(asked, examples, strict=True)]
    assert len(set(pairs)) == len(pairs)  # or the same would be said again
    assert [told(one) for one in itertools.islice(prompts(brief, LESSONS["film"], seed=1), 20)] == asked
    assert [told(one) for one in itertools.islice(prompts(brief, LESSONS["film"], seed=2), 20)] != asked


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Bo and the magical boat", ""),
        ("Bo's long way home", ""),
        ("I'm with Bo!", ""),
        ("", "empty"),
        ("Bo", "empty"),
        ("Bo woke up in the moon and ate it for dinner", "too long"),
        ("Bo and the 7 moons", "not in letters"),
        ("Bo и луна", "not in letters"),
        ("Bo and the **moon**", "not in letters"),
        ("Where Bo is in the world..", "not in letters"),
        ("Bo and the magicalboatofthenight", "no words"),
        ("The magic of DogBo", "no words"),
        ("Bo and the", "not ended"),
        ("Bo, my friend,", "not ended"),
        ("The dog who dreamed a dream", "stutters"),
        ("Bo loves love", "stutters"),
        ("The the moon", "stutters"),
        ("A film about Bo", "about itself"),
        ("Bo and his moon", "tells what nobody said"),
        ("Bo is ten years old", "tells what nobody said"),
        ("Happy birthday to Bo", "tells what nobody said"),
        ("A night in Paris with Bo", "names somebody else"),
        ("Mia and the moon", "names somebody else"),
        ("The cat of Bo", "names somebody else"),
        ("Bo and the lost treasure", "an example"),
        ("bo and the shining sea", "names somebody else"),
    ],
)
def test_what_is_no_title_is_told(line: str, reason: str) -> None:
    assert objection(line, BO, LESSONS["film"]) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Blue Mug and the moon", ""),
        ("Blue, my adventurous friend", "names somebody else"),
        ("Blue Mug and the magic in bluemug", "no words"),
        ("The mug who found a castle", ""),
    ],
)
def test_half_a_name_is_nobodys(line: str, reason: str) -> None:
    assert objection(line, MUG, LESSONS["film"]) == reason


def test_a_name_may_hold_what_a_title_may_not() -> None:
    robot = TitleBrief(template="film", name="R2-D2", kind="robot")
    assert objection("R2-D2 and the moon", robot, LESSONS["film"]) == ""
    child = TitleBrief(template="film", name="May Ling", kind="child")
    assert objection("The day May Ling found an island", child, LESSONS["film"]) == ""
    assert objection("Bob and the moon", BO, LESSONS["film"]) == ""  # a first word may be anything with a capital
    assert objection("The moon of Bob", BO, LESSONS["film"]) == "names somebody else"


def test_what_was_found_is_not_found_again() -> None:
    assert objection("Bo and the Moon!".replace("M", "m"), BO, LESSONS["film"], ["Bo, and the moon"]) == "said already"


def test_a_picture_without_a_name_has_titles_too() -> None:
    fox = TitleBrief(template="film", kind="a fox in the snow")
    assert told(next(prompts(fox, LESSONS["film"], 0)))[-1][1].startswith("film poster of a fox in the snow, about ")
    assert objection("The fox and the silent moon", fox, LESSONS["film"]) == ""
    assert objection("Fox, this day is for fun", fox, LESSONS["film"]) == "names somebody else"
    assert objection("A fox called Rex", fox, LESSONS["film"]) == "names somebody else"


@pytest.mark.parametrize("template", LESSONS)
def test_the_lessons_keep_their_own_rules(template: str) -> None:
    lesson = LESSONS[template]
    for group in lesson.groups:
        assert len(group) == 4
        for one in group:
            name, _, kind = one.whom.partition(" the ")
            brief = TitleBrief(template=template, name=name, kind=kind)
            alone = Lesson(ideas=lesson.ideas, groups=(), words=lesson.words, unsaid=lesson.unsaid)
            assert objection(one.title, brief, alone) == "", one.title
