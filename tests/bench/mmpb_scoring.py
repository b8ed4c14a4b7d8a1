"""What an answer means, and the tables of shares: MMPB's tasks, and RAP's captioning, QA and recognition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tests.bench.assistant_questions import names_said
from tests.bench.mmpb_questions import Question

TASKS = {
    "awareness": ("single", "several"),
    "appropriateness": ("same kind", "other kind", "several"),
    "coherency": ("who", "fact by picture", "fact by name", "preference"),
}
_YES = re.compile(r"^\W*(?:yes|yeah|very likely|perhaps|likely|probably)\b", re.IGNORECASE)
_NO = re.compile(
    r"^\W*no\b|\b(?:do not|cannot|does not|is not|(?:don|can|doesn|isn)[’']t) (?:see|know|in|appear|there|here)",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"^\W*(?:(?:the )?(?:right |correct )?(?:answer|option)(?: is)?:?\s*)?\(?([A-D])(?:[).:,]|\s*$|\s+[–-])"
)
_LETTER_IS = re.compile(r"\b(?:answer|option)(?: is)?:?\s*\(?([A-D])\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question, by which retrieval and after how many turns it was asked, and the answer."""

    question: Question
    way: str
    turns: int
    answer: str


def meant(question: Question, answer: str) -> str:
    """Return what an answer means: ``yes``, ``no``, a letter, or nothing where it says none of them."""
    if question.right in ("yes", "no"):
        return "yes" if _YES.search(answer) else "no" if _NO.search(answer) else ""
    found = _LETTER.search(answer) or _LETTER_IS.search(answer)
    return found[1].upper() if found else _option_said(question, answer)


def _option_said(question: Question, answer: str) -> str:
    """Return the letter of the only option that stands in an answer word for word."""
    options = dict(re.findall(r"^([A-D])\. (.+)$", question.text, re.MULTILINE))
    said = names_said(answer, list(options.values())) if options else ()
    return list(options)[said[0]] if len(said) == 1 else ""


def protocol_rows(answered: Sequence[Answered]) -> list[dict[str, object]]:
    """Return a row for each way and number of turns: the share right of each task, and the mean over the three."""
    rows: list[dict[str, object]] = []
    before: dict[str, float] = {}
    for way, turns in dict.fromkeys((one.way, one.turns) for one in answered):
        some = [one for one in answered if (one.way, one.turns) == (way, turns)]
        means = {}
        row: dict[str, object] = {"retrieval": way, "turns": turns}
        for task, parts in TASKS.items():
            shares = {part: right_share(some, f"{task}, {part}") for part in parts}
            means[task] = _mean(list(shares.values()))
            row |= {f"{task}: {part}": share for part, share in shares.items()}
        overall = _mean(list(means.values()))
        before.setdefault(way, overall)
        kept = overall / before[way] if before[way] else float("nan")
        rows.append(row | means | {"overall": overall, "persistency": kept})
    return rows


def classic_rows(answered: Sequence[Answered], names: Sequence[str]) -> list[dict[str, object]]:
    """Return RAP's table, a row for each way: names in captions, QA by text and by picture, recognition."""
    rows: list[dict[str, object]] = []
    first = min((one.turns for one in answered), default=0)
    for way in dict.fromkeys(one.way for one in answered):
        some = [one for one in answered if one.way == way and one.turns == first]
        pictures, texts = right_share(some, "QA by picture"), right_share(some, "QA by text")
        there = right_share(some, "awareness, single")
        absent = right_share(some, "appropriateness, same kind", "appropriateness, other kind")
        rows.append(
            {"retrieval": way}
            | caption_shares(some, names)
            | {"visual QA": pictures, "text QA": texts, "QA weighted": (pictures + texts) / 2}
            | {"there": there, "not there": absent, "recognition weighted": (there + absent) / 2}
        )
    return rows


def right_share(answered: Sequence[Answered], *tasks: str) -> float:
    """Return the share of right answers in some tasks; an answer that means nothing is wrong."""
    right = [meant(one.question, one.answer) == one.question.right for one in answered if one.question.task in tasks]
    return float(np.mean(right)) if right else float("nan")


def unread_share(answered: Sequence[Answered]) -> float:
    """Return the share of answers (captions aside) that mean none of what was to choose from."""
    unread = [not meant(one.question, one.answer) for one in answered if one.question.task != "caption"]
    return float(np.mean(unread)) if unread else float("nan")


def caption_shares(answered: Sequence[Answered], names: Sequence[str]) -> Mapping[str, float]:
    """Return recall (names said of names due), precision (names due of names said) and F1 of captions."""
    captions = [one for one in answered if one.question.task == "caption"]
    right = said = due = 0
    for one in captions:
        wanted = {name for name in one.question.right.split(",") if name}
        named = {names[at] for at in names_said(one.answer, names)}
        right, said, due = right + len(wanted & named), said + len(named), due + len(wanted)
    recall, precision = right / max(due, 1), right / max(said, 1)
    return {
        "caption recall": recall,
        "precision": precision,
        "F1": 2 * recall * precision / max(recall + precision, 1e-9),
    }


def _mean(shares: Sequence[float]) -> float:
    """Return the mean of the shares that there are; of tasks without a question there is none."""
    there = [share for share in shares if not np.isnan(share)]
    return float(np.mean(there)) if there else float("nan")
