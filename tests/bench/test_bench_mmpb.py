from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines.recognition.regions import WHOLE
from tests.bench import bench_mmpb
from tests.bench.mmpb_questions import NOBODY, Question, Seen, preferences_of, questions_of, things_of
from tests.bench.mmpb_scoring import Answered, caption_shares, classic_rows, meant, protocol_rows
from tests.pipelines.assistant.tiny_chat import llava
from tests.pipelines.features.tiny_minilm import write_minilm

KINDS = ("dog", "dog", "cat", "bowl", "toy", "toy")
LEFT, RIGHT = (0.0, 0.3, 0.3, 0.7), (0.7, 0.3, 1.0, 0.7)
SEEN = (
    Seen(things=(0,), boxes=(WHOLE,)),
    Seen(things=(), boxes=(), strangers=("dog",), strange_boxes=(WHOLE,)),
    Seen(things=(0, 3), boxes=(LEFT, RIGHT)),
)
THINGS = things_of(KINDS, random.Random(1))
QUESTIONS = questions_of(THINGS, SEEN, preferences_of(random.Random(2)), seed=3)


def options_of(question: Question) -> dict[str, str]:
    lines = [line for line in question.text.splitlines() if line[1:3] == ". "]
    return {line[0]: line[3:] for line in lines}


def asked(task: str) -> list[Question]:
    return [question for question in QUESTIONS if question.task == task]


def test_every_task_is_asked_and_the_seed_decides() -> None:
    tasks = {question.task for question in QUESTIONS}
    assert tasks == {
        "awareness, single", "awareness, several", "appropriateness, same kind", "appropriateness, other kind",
        "appropriateness, several", "coherency, who", "coherency, fact by picture", "coherency, fact by name",
        "coherency, preference", "caption", "QA by text", "QA by picture",
    }  # fmt: skip
    assert questions_of(THINGS, SEEN, preferences_of(random.Random(2)), seed=3) == QUESTIONS


def test_wrong_options_fit_the_card_or_the_question_and_never_both() -> None:
    assert len(asked("coherency, preference")) == 30
    for question in asked("coherency, fact by name"):
        options = options_of(question)
        thing = next(one for one in THINGS if one.name in question.text)
        assert len(options) == 4 and sum(option in thing.facts for option in options.values()) == 2
        assert options[question.right] in thing.facts


def test_a_stranger_is_none_of_the_things() -> None:
    question = next(one for one in asked("coherency, who") if one.picture == 1)
    assert options_of(question)[question.right] == NOBODY
    alike = next(one for one in asked("appropriateness, same kind") if one.picture == 1)
    assert alike.right == "no" and any(thing.name in alike.text and thing.kind == "dog" for thing in THINGS)


@pytest.mark.parametrize(
    ("right", "answer", "found"),
    [
        ("yes", "Yes, that’s Bo.", "yes"), ("no", "I don’t see Bo in this picture.", "no"), ("yes", "A dog.", ""),
        ("yes", "No, it isn't.", "no"), ("no", "Nobody knows", ""), ("yes", "Perhaps, that’s Bo.", "yes"),
        ("A", "B: Rex. That’s Rex.", "B"), ("A", "The answer is A", "A"), ("B", "(b)", ""), ("A", "A dog, I think", ""),
        ("A", "It is Rex, the dog.", "B"), ("A", "Bo or Rex", ""), ("A", "B", "B"), ("B", "B. Rex", "B"),
    ],
)  # fmt: skip
def test_what_an_answer_means(right: str, answer: str, found: str) -> None:
    text = "Is it?" if right in ("yes", "no") else "Who is this?\nA. Bo\nB. Rex\nAnswer."
    assert meant(Question(task="t", text=text, right=right), answer) == found


def test_names_in_captions_are_counted() -> None:
    def said(due: str, answer: str) -> Answered:
        return Answered(question=Question(task="caption", text="", right=due), way="ours", turns=0, answer=answer)

    shares = caption_shares([said("Bo,Rex", "Bo sleeps."), said("", "That’s Bo and Bolero.")], ["Bo", "Rex"])
    assert shares == {"caption recall": 0.5, "precision": 0.5, "F1": pytest.approx(0.5)}


def test_shares_are_of_each_task_and_persistency_compares_turns() -> None:
    def all_right(turns: int, *, but: str = "") -> list[Answered]:
        return [
            Answered(question=one, way="ours", turns=turns, answer="?" if one.task == but else f"{one.right}: x")
            for one in QUESTIONS
        ]

    first, later = protocol_rows([*all_right(0), *all_right(10, but="awareness, single")])
    assert first["overall"] == 1.0 and later["awareness"] == 0.5
    assert later["persistency"] == pytest.approx((0.5 + 1 + 1) / 3)
    (row,) = classic_rows(all_right(0), [thing.name for thing in THINGS])
    assert row["QA weighted"] == row["recognition weighted"] == 1.0


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six subjects, each of its own colours, with four photos."""
    rng = np.random.default_rng(0)
    for subject in range(6):
        (tmp_path / "photos" / f"toy{subject}").mkdir(parents=True)
        for number in range(4):
            pixels = np.full((32, 32, 3), 40 * subject, np.uint8) + rng.integers(0, 9, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / f"toy{subject}" / f"{number}.jpg")
    return tmp_path / "photos"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_mmpb", *arguments])
    bench_mmpb.main()


def test_a_vlm_of_transformers_is_measured_from_its_configuration(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, processor = llava()
    model.save_pretrained(tmp_path / "vlm")
    processor.save_pretrained(tmp_path / "vlm")
    write_minilm(tmp_path / "models" / "minilm")
    monkeypatch.setattr(
        "studio.engines.assistant.VlmAssistantEngine._place", lambda _, name: tmp_path / "models" / name
    )
    vlm = {"model": str(tmp_path / "vlm"), "device": "cpu", "dtype": "float32", "max_tokens": 4}
    engines = {"recognition": {"name": "fake"}, "assistant": {"name": "vlm", "options": vlm}}
    config = tmp_path / "studio.yaml"
    config.write_text(yaml.safe_dump({"engines": engines}), encoding="utf-8")
    out = tmp_path / "figures.json"
    arguments = ("--photos", str(photos), "--config", str(config), "--composed", "0", "--limit", "1", "--alone")
    arguments += ("--ways", "oracle", "ours", "--turns", "0", "2", "--out", str(out))
    run(monkeypatch, *arguments)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["assistant"]["options"]["quotes"] is False
    assert {row["turns"] for row in report["MMPB's tasks, share right"]} == {0, 2}
    answers = out.with_suffix(".answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 4 * report["questions"]
    assert "persistency" in capsys.readouterr().out

    monkeypatch.setattr(bench_mmpb, "ask", lambda *_: pytest.fail("asked again what was answered before"))
    run(monkeypatch, *arguments)


def test_too_few_photos_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(SystemExit, match="6 are needed"):
        run(monkeypatch, "--photos", str(tmp_path))
    with pytest.raises(SystemExit):
        run(monkeypatch, "--photos", str(tmp_path / "nowhere"))
