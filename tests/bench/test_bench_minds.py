from __future__ import annotations

import numpy as np
import pytest

from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence, Row
from pipelines.pigeon.people import Described, Interest, Person
from pipelines.pigeon.scorer import TasteScorer
from tests.bench.bench_minds import NOBODY, PICKS, Pictures, all_alike, lent_by, picks, rows_of, table_of, weighed
from tests.pipelines.pigeon.drawn import reds_and_blues

SETTINGS = TasteSettings.read()


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    described = [
        Described(concept=str(n), style="flat", colour="red" if n < 6 else "blue", subject="x") for n in range(12)
    ]
    return Pictures(tuple(described), reds_and_blues())


def fan(colour: str, seed: int = 1) -> Person:
    return Person(seed=seed, interests=(Interest(styles={"flat": 1.0}, colours={colour: 1.0}, subjects={}, share=1.0),))


def test_people_pick_what_they_like_and_no_picture_twice_while_there_are_others(pictures) -> None:
    rows = picks(fan("red"), pictures, 5, SETTINGS)
    across = [row for row in rows if (row.picture < 6) != (row.other < 6)]
    assert across and sum(row.picture < 6 for row in across) >= 0.7 * len(across)
    assert len({place for row in rows for place in (row.picture, row.other)}) == 10


def test_a_weighed_crowd_is_worth_more_than_one_whose_voices_are_all_alike(pictures) -> None:
    red, blue = (lent_by(fan(colour, seed), pictures, SETTINGS) for seed, colour in ((3, "red"), (4, "blue")))
    assert red["warmth"] > blue["warmth"]
    own = TasteScorer.learn(
        pictures.features,
        Evidence(rows=tuple(Row(picture=n, liked=True, weight=1.0, other=6 + n) for n in range(3))),
        SETTINGS,
    )
    warm = [scorer.leanings["warmth"] for scorer in (weighed(own, [red, blue]), all_alike(own, [red, blue]))]
    assert warm[0] > warm[1]
    assert rows_of([red] * 24, [blue] * 3)[NOBODY](own) is own


def test_errors_are_of_the_difference_to_nobody() -> None:
    numbers = np.random.default_rng(0)
    alone = numbers.uniform(0.5, 0.7, (20, len(PICKS), 2))
    table = table_of({NOBODY: alone, "all": alone + 0.05}, 0)
    assert table["all"]["8 picks"] == pytest.approx(table[NOBODY]["8 picks"] + 0.05, abs=1e-3)
    assert table["all"]["± 8 picks"] == 0 < table[NOBODY]["± 8 picks"]
