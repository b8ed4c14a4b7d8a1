from __future__ import annotations

import numpy as np
import pytest

from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.cold_start import information, next_pair
from pipelines.pigeon.configuration_taste import DEFAULT_FILE, TasteSettings
from pipelines.pigeon.evidence import Evidence, Row
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.scorer import TasteScorer
from tests.pipelines.pigeon.drawn import reds_and_blues

SETTINGS = TasteSettings.read()


def liked_reds(count: int = 4) -> Evidence:
    rows = [Row(picture=n, liked=True, weight=1.0) for n in range(count)]
    return Evidence(rows=(*rows, *(Row(picture=6 + n, liked=False, weight=0.7) for n in range(count))))


@pytest.fixture(scope="module")
def shown() -> PictureFeatures:
    return reds_and_blues()


def test_a_few_words_are_enough(shown) -> None:
    scorer = TasteScorer.learn(shown, liked_reds(), SETTINGS)
    chance = scorer.score(shown).probability
    assert chance[:6].min() > 0.5 > chance[6:].max()
    assert chance[4:6].min() > chance[10:].max() + 0.2  # the two that were never seen
    assert scorer.leanings["warmth"] > 0 > scorer.leanings["blue"]


def test_reasons_are_named_and_nearest_is_liked(shown) -> None:
    scores = TasteScorer.learn(shown, liked_reds(), SETTINGS).score(shown[[5, 11]])
    place = ATTRIBUTE_NAMES.index("warmth")
    assert scores.reasons[0, place] > 0 > scores.reasons[1, place]
    assert scores.nearest[0] in range(4)


def test_nothing_known_is_the_prior(shown) -> None:
    scores = TasteScorer.learn(shown, Evidence(rows=()), SETTINGS).score(shown)
    assert np.ptp(scores.probability) < 0.1 and (scores.nearest == -1).all()
    assert 0.2 < scores.probability.mean() < 0.6


def test_more_evidence_leaves_less_doubt(shown) -> None:
    doubts = [
        TasteScorer.learn(shown, liked_reds(count), SETTINGS).score(shown).uncertainty.mean() for count in (1, 3, 6)
    ]
    assert doubts == sorted(doubts, reverse=True)


def test_a_pair_says_which_is_better(shown) -> None:
    pick = Evidence(rows=(Row(picture=0, liked=True, weight=1.0, other=6),))
    scores = TasteScorer.learn(shown, pick, SETTINGS).score(shown).logit
    assert scores[0] > scores[6]


def test_edits_take_the_place_of_what_was_learned(shown) -> None:
    scorer = TasteScorer.learn(shown, liked_reds(), SETTINGS)
    colours = dict.fromkeys(ATTRIBUTE_NAMES, 0.0)
    turned = scorer.score(shown, {**colours, "warmth": -1.0}).logit - scorer.score(shown, colours).logit
    assert turned[:6].max() < 0 < turned[6:].min()
    with pytest.raises(ValueError, match="fluff"):
        scorer.score(shown, {"fluff": 1})


def test_kept_and_read_again(shown) -> None:
    scorer = TasteScorer.learn(shown, liked_reds(), SETTINGS)
    again = TasteScorer.from_bytes(scorer.to_bytes(), SETTINGS)
    assert np.allclose(again.score(shown).probability, scorer.score(shown).probability, atol=2e-3)
    kept = PictureFeatures.from_bytes(shown.to_bytes(), shown.looks.shape[1])
    assert np.allclose(kept.looks, shown.looks, atol=2e-3)
    with pytest.raises(ValueError, match="bytes"):
        PictureFeatures.from_bytes([b"123"], 4)


def test_two_interests_are_not_their_mean(shown) -> None:
    both = Evidence(
        rows=tuple(Row(picture=n, liked=n not in (3, 4, 5), weight=1.0) for n in (0, 1, 2, 3, 4, 5, 6, 7, 8))
    )
    scores = TasteScorer.learn(shown, both, SETTINGS).score(shown).logit
    assert min(scores[0], scores[6]) > scores[4]


def test_information_is_highest_where_least_is_known() -> None:
    bits = information(np.array([0.0, 0.0, 3.0]), np.array([0.1, 2.0, 2.0]))
    assert bits[0] < 0.02 and bits[1] == max(bits) <= 1 and bits[2] > 0


def test_eight_picks_find_a_preference(shown) -> None:
    rows: list[Row] = []
    asked: set[int] = set()
    for number in range(8):
        known = TasteScorer.learn(shown, Evidence(rows=tuple(rows)), SETTINGS) if rows else None
        one, other = next_pair(known, shown, SETTINGS, shown=asked, seed=number)
        assert one != other
        asked |= {one, other}
        better, worse = (one, other) if (one < 6, one) >= (other < 6, other) else (other, one)
        rows.append(Row(picture=better, liked=True, weight=1.0, other=worse))
    scores = TasteScorer.learn(shown, Evidence(rows=tuple(rows)), SETTINGS).score(shown).logit
    assert scores[:6].mean() > scores[6:].mean() + 0.3
    with pytest.raises(ValueError, match="no pair"):
        next_pair(None, shown[[0]], SETTINGS)


def test_the_shipped_prior_is_whole(tmp_path) -> None:
    assert set(SETTINGS.attributes or {}) == set(ATTRIBUTE_NAMES)
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    (tmp_path / "taste.yaml").write_text(text.replace("warmth:", "wormth:"), encoding="utf-8")
    with pytest.raises(ValueError, match="missing: warmth"):
        TasteSettings.read(tmp_path / "taste.yaml")
    for wrong in ("alone: 1.5", "alone: 0.0", "alone: 0.5, fluff: 0.1"):
        (tmp_path / "taste.yaml").write_text(text.replace("alone: 0.5", wrong), encoding="utf-8")
        with pytest.raises(ValueError, match="alone and kinship are possible"):
            TasteSettings.read(tmp_path / "taste.yaml")
