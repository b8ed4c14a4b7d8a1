from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.hyperlora.identities import IdentityViews, PairSampler, photo_like
from tests.pipelines.hyperlora.tiny_base import SIZE, write_identities


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_identities(tmp_path)
    return tmp_path


def test_splits_are_kept_apart(folder: Path) -> None:
    train, test = IdentityViews.read(folder), IdentityViews.read(folder, ("test",))
    assert train.names() == [f"i{number}" for number in range(5)] and test.names() == ["i5"]
    assert test.picture(0).tobytes() == Image.fromarray(np.load(folder / "identities.npy")[15]).tobytes()


def test_sketches_come_along_where_there_are_some(folder: Path) -> None:
    assert IdentityViews.read(folder).sketches is None
    write_identities(folder, sketches=True)
    views = IdentityViews.read(folder, ("test",))
    assert views.sketches is not None and views.sketches.shape == views.pictures.shape
    sketch = views.sketches[views.rows[0]]
    assert np.array_equal(sketch[..., 3], np.asarray(views.picture(0))[..., 3])
    assert np.ptp(sketch[..., :3].astype(int), axis=-1).max() == 0


def test_styles_are_chosen(folder: Path) -> None:
    assert len(IdentityViews.read(folder, styles=["flat", "soft"])) == 15
    assert len(IdentityViews.read(folder, styles=["soft"])) == 0


def test_a_reference_is_never_its_own_target(folder: Path) -> None:
    views = IdentityViews.read(folder)
    for name, index in views.references().items():
        assert index not in views.targets()[name] and len(views.targets()[name]) == 2


def test_weights_are_one_inside_the_subject(folder: Path) -> None:
    weights = IdentityViews.read(folder).weights(edge=SIZE, outside=0.3)
    assert weights.shape == (15, SIZE, SIZE)
    assert weights[0, 5, 5] == pytest.approx(1) and weights[0, 0, 0] == pytest.approx(0.3)


def test_a_box_narrows_the_subject(folder: Path) -> None:
    views = IdentityViews.read(folder)
    views.records[0]["box"] = [0.5, 0.0, 1.0, 1.0]
    weights = views.weights(edge=SIZE, outside=0.3)
    assert weights[0, 5, 5] == pytest.approx(0.3) and weights[0, 5, 10] == pytest.approx(1)


def sampler(**changes) -> PairSampler:
    targets = tuple((10 * individual, 10 * individual + 1) for individual in range(40))
    own = tuple(10 * individual + 9 for individual in range(40))
    settings = {
        "own": own,
        "own_share": 0.0,
        "versions": 3,
        "max_references": 2,
        "caption_dropout": 0.1,
        "reference_dropout": 0.1,
        "seed": 1,
    }
    return PairSampler(targets=targets, **(settings | changes))


def test_pairs_belong_together() -> None:
    pairs = sampler().draw(step=3, batch=32)
    assert pairs.references.shape == (32, 2, 2) and pairs.mask.shape == (32, 2)
    np.testing.assert_array_equal(pairs.targets // 10, pairs.references[:, 0, 0])
    assert (pairs.references[:, 0, 1] != pairs.references[:, 1, 1]).all()
    assert len(set(pairs.targets // 10)) == 32  # no individual twice while there are enough


def test_a_step_always_draws_the_same() -> None:
    first, again, other = (sampler().draw(step, 16) for step in (5, 5, 6))
    np.testing.assert_array_equal(first.targets, again.targets)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.targets != other.targets).any()


def test_own_views_are_never_shown_as_they_are() -> None:
    pairs = sampler(own_share=0.5).draw(step=3, batch=400)
    own = pairs.targets % 10 == 9
    assert own.mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(pairs.targets // 10, pairs.references[:, 0, 0])
    assert (pairs.references[own, 0, 1] > 0).all() and not pairs.mask[own, 1:].any()
    assert (pairs.references[~own, :, 1] == 0).any()


def test_hard_versions_are_shown_later() -> None:
    course = sampler(own_share=0.5, opens=(0, 10, 20))
    for step, last in ((0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (50, 2)):
        pairs = course.draw(step, 400)
        assert pairs.references[pairs.mask][:, 1].max() == last
        assert (pairs.targets % 10 == 9).any() == (last > 0)  # own views need a version that is not the view itself


def test_without_a_curriculum_batches_are_those_of_an_open_one() -> None:
    plain, opened = sampler(own_share=0.5).draw(7, 64), sampler(own_share=0.5, opens=(0, 0, 5)).draw(7, 64)
    np.testing.assert_array_equal(plain.references, opened.references)
    np.testing.assert_array_equal(plain.targets, opened.targets)


def test_dropout_shares() -> None:
    drawn = [sampler(caption_dropout=0.5, reference_dropout=0.25).draw(step, 40) for step in range(50)]
    assert np.mean([pairs.captioned.mean() for pairs in drawn]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([(~pairs.mask.any(axis=1)).mean() for pairs in drawn]) == pytest.approx(0.25, abs=0.03)


def test_some_sketches_have_no_colours() -> None:
    drawn = [sampler(grey_share=0.4).draw(step, 40).greys for step in range(50)]
    assert np.mean(drawn) == pytest.approx(0.4, abs=0.04)
    assert not sampler().draw(0, 40).greys.any()


def test_a_batch_may_be_larger_than_the_corpus() -> None:
    assert len(sampler().draw(0, 100).targets) == 100


def test_photo_like_keeps_the_subject_and_its_hue() -> None:
    picture = Image.new("RGBA", (40, 40))
    picture.paste((220, 40, 40, 255), (10, 10, 30, 30))
    changed = photo_like(picture, np.random.default_rng(2))
    again = photo_like(picture, np.random.default_rng(2))
    assert changed.mode == "RGBA" and changed.tobytes() == again.tobytes() and changed.tobytes() != picture.tobytes()
    values = np.asarray(changed, np.float32)
    seen = values[values[..., 3] > 250][:, :3].mean(axis=0)
    assert seen[0] > 2.5 * seen[1] and seen[0] > 2.5 * seen[2]
    assert (values[..., 3] > 127).sum() == pytest.approx(400, rel=0.1)
