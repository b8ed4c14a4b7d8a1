from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence, Row
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.minds import LIKE_MINDED, keep_company, lent_weights
from pipelines.pigeon.scorer import UNIT, TasteScorer
from tests.pipelines.pigeon.drawn import reds_and_blues

SETTINGS = TasteSettings.read()
Lent = dict[str, float]


@pytest.fixture(scope="module")
def shown() -> PictureFeatures:
    """Six red discs, then six blue ones."""
    return reds_and_blues()


def learned(shown: PictureFeatures, liked: range, others: range) -> TasteScorer:
    rows = [Row(picture=n, liked=True, weight=1.0) for n in liked]
    rows += [Row(picture=n, liked=False, weight=1.0) for n in others]
    return TasteScorer.learn(shown, Evidence(rows=tuple(rows)), SETTINGS)


@pytest.fixture(scope="module")
def red(shown: PictureFeatures) -> Lent:
    """What somebody gives who likes red."""
    return lent_weights(learned(shown, range(6), range(6, 12)))


@pytest.fixture(scope="module")
def blue(shown: PictureFeatures) -> Lent:
    return lent_weights(learned(shown, range(6, 12), range(6)))


def one_pick(shown: PictureFeatures) -> TasteScorer:
    return TasteScorer.learn(shown, Evidence(rows=(Row(picture=0, liked=True, weight=1.0, other=6),)), SETTINGS)


def test_nothing_but_weights_of_attributes_is_given(shown, red, blue) -> None:
    assert red.keys() == set(ATTRIBUTE_NAMES) and all(isinstance(weight, float) for weight in red.values())
    assert red["warmth"] > 0.1 and blue["warmth"] < -0.1
    assert lent_weights(learned(shown, range(6), range(6, 12)), {"blue": 1.0})["blue"] == pytest.approx(UNIT)


def test_the_same_variance_is_all_in_the_linear_part() -> None:
    alone = SETTINGS.linear_alone
    assert alone.linear**2 == pytest.approx(SETTINGS.linear**2 + SETTINGS.local**2 + SETTINGS.look**2)
    assert alone.local == alone.look == 0 and alone.mean == SETTINGS.mean


def test_the_like_minded_count_and_the_opposite_do_not(shown, red, blue) -> None:
    company = keep_company(learned(shown, range(3), range(6, 9)), [[red], [blue]])
    assert company.factors[0] > LIKE_MINDED > 1 > company.factors[1] and company.like_minded == 1
    assert company.responsibilities[0] > 10 * company.responsibilities[1]
    assert company.responsibilities.sum() < 1  # the rest is nobody's
    assert company.lean[ATTRIBUTE_NAMES.index("warmth")] > 0


def test_a_few_picks_and_a_like_minded_person_say_more_of_what_was_never_seen(shown, red) -> None:
    own = one_pick(shown)
    helped = own.again(lean=keep_company(own, [[red]]).lean)
    gaps = [scorer.score(shown).logit[1:6].min() - scorer.score(shown).logit[7:].max() for scorer in (own, helped)]
    assert gaps[1] > gaps[0] + 0.2
    pair = np.array([[1, 7]])
    assert helped.difference(shown, pair)[0] > own.difference(shown, pair)[0]
    assert helped.difference(shown, pair)[1] == pytest.approx(
        own.difference(shown, pair)[1], rel=0.2
    )  # the doubt is of the same size


def test_nobody_and_no_evidence_leave_everything_bit_equal(shown, red) -> None:
    own = one_pick(shown)
    nothing = TasteScorer.learn(shown, Evidence(rows=()), SETTINGS)
    for scorer, crowd in ((own, []), (own, [[]]), (nothing, [[red]])):
        company = keep_company(scorer, crowd)
        assert not company.lean.any() and company.like_minded == 0
        same = scorer.again(lean=company.lean)
        assert np.array_equal(same.score(shown).logit, scorer.score(shown).logit)
        assert np.array_equal(same.score(shown).probability, scorer.score(shown).probability)
    assert b"lean" not in own.to_bytes()


def test_one_person_with_many_tastes_has_one_voice(shown, red, blue) -> None:
    own = one_pick(shown)
    once, often = keep_company(own, [[red], [blue]]), keep_company(own, [[red], [blue] * 9])
    assert often.lean == pytest.approx(once.lean, abs=1e-6)
    assert often.factors == pytest.approx(once.factors)


def test_how_much_is_expected_of_others_is_a_setting(shown, red) -> None:
    def lean(weights: Lent, **changed: float) -> np.ndarray:
        own = one_pick(shown).again(settings=dataclasses.replace(SETTINGS, **changed))
        return keep_company(own, [[weights]] * 3).lean

    usual = np.abs(lean(red)).sum()
    assert usual > 0 and not lean(red, alone=1.0).any() and not lean(dict.fromkeys(red, 0.0)).any()
    assert np.abs(lean(red, alone=0.9)).sum() < usual and np.abs(lean(red, kinship=0.2)).sum() < usual


def test_more_evidence_makes_help_matter_less(shown, red) -> None:
    moved = []
    for count in (1, 3, 6):
        own = learned(shown, range(6, 6 + count), range(count))  # likes blue, and is told of red
        helped = own.again(lean=keep_company(own, [[red]]).lean)
        moved.append(float(np.abs(helped.score(shown).logit - own.score(shown).logit).mean()))
    assert moved[0] > 2 * moved[1] > 4 * moved[2]


def test_how_evidence_favours_a_lean_is_the_ratio_of_normal_densities(shown, red) -> None:
    own = learned(shown, range(2), range(6, 8))
    lean = np.array([red[name] for name in ATTRIBUTE_NAMES])
    kernel = own._design @ own._kernel(own.known, own._standard, own.known, own._standard) @ own._design.T
    prior = SETTINGS.mean * own._design.sum(axis=1)
    mode = prior + kernel @ own._dual
    signs, weights = own._rows["signs"], own._rows["weights"]
    chance = 1 / (1 + np.exp(-signs * mode))
    curvature = weights * chance * (1 - chance)
    targets = mode + weights * signs * (1 - chance) / curvature
    covariance = kernel + np.diag(1 / curvature)

    def density(mean: np.ndarray) -> float:
        return -0.5 * float((targets - mean) @ np.linalg.solve(covariance, targets - mean))

    expected = density(prior + own._design @ own._standard @ lean) - density(prior)
    assert own.favour(lean[None]) == pytest.approx([expected], abs=1e-3)


def test_kept_and_read_again_with_its_lean(shown, red) -> None:
    own = one_pick(shown)
    helped = own.again(lean=keep_company(own, [[red]]).lean)
    again = TasteScorer.from_bytes(helped.to_bytes(), SETTINGS)
    assert again.lean == pytest.approx(helped.lean)
    assert again.score(shown).logit == pytest.approx(helped.score(shown).logit, abs=2e-3)


def test_what_another_version_lent_is_refused(shown, red) -> None:
    without = {name: weight for name, weight in red.items() if name != "warmth"}
    with pytest.raises(ValueError, match="no weight of 'warmth'"):
        keep_company(one_pick(shown), [[without]])
    with pytest.raises(ValueError, match="no numbers"):
        keep_company(one_pick(shown), [[{**red, "warmth": float("nan")}]])
