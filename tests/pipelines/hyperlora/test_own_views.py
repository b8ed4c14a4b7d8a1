from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.hyperlora.own_views import MOST, PRIOR, ROUNDS, own_captions, own_views
from pipelines.mini.pipeline_mini import MiniPipeline
from tests.pipelines.mini.tiny_mini import SIZE, tiny_pipeline


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


def cutout(left: tuple[int, int, int], right: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (80, 60))
    picture.paste((*left, 255), (8, 8, 50, 52))
    picture.paste((*right, 255), (50, 8, 72, 52))
    return picture


def test_what_is_shown_has_the_places_and_no_more_than_the_coat(pipeline: MiniPipeline) -> None:
    cutouts = [cutout((200, 60, 40), (60, 80, 200)), cutout((190, 70, 50), (70, 80, 190))]
    views = own_views(pipeline, cutouts, "dog", ("#20c030",))
    assert views.sketches is not None and views.prior is not None
    assert (
        views.targets.shape == views.sketches.shape == (2 * len(own_captions(pipeline, "dog")) * ROUNDS, SIZE, SIZE, 4)
    )
    assert len(views.captions) == len(views.targets)
    assert (len(views.prior), len(views.prior_captions)) == (PRIOR, PRIOR)
    np.testing.assert_allclose(views.targets[..., 3].astype(int), views.sketches[..., 3], atol=16)
    inside = views.targets[..., 3] > 200
    assert (views.targets[inside][:, 0].astype(int) > views.targets[inside][:, 1]).mean() > 0.5  # red
    assert (views.sketches[inside][:, 1].astype(int) > views.sketches[inside][:, 0]).mean() > 0.5  # the green coat


def test_of_many_photos_some_are_chosen_evenly(pipeline: MiniPipeline) -> None:
    cutouts = [cutout((20 * number, 60, 40), (60, 80, 200)) for number in range(11)]
    views = own_views(pipeline, cutouts, "dog", ("#20c030",))
    assert len(views.targets) == MOST * ROUNDS
    first, last = (own_views(pipeline, [cutouts[place]], "dog", ("#20c030",)).targets for place in (0, -1))
    assert np.abs(views.targets[0].astype(int) - first[0]).max() <= 1
    assert len(first) == len(last) == ROUNDS


def test_a_look_says_what_the_class_is_drawn_after(pipeline: MiniPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[float]] = []

    def nearest(_: object, look: np.ndarray | None = None) -> int:
        asked.extend([] if look is None else [look.tolist()])
        return 0

    monkeypatch.setattr(pipeline.library, "nearest_concept", nearest)
    own_views(pipeline, [cutout((220, 40, 40), (40, 40, 220))], "plush", ("#20c030",), np.array([1.0, 2.0], np.float32))
    assert asked and set(map(tuple, asked)) == {(1.0, 2.0)}


def test_subjects_are_asked_for_in_every_style(pipeline: MiniPipeline) -> None:
    assert own_captions(pipeline, "owl") == ["an owl, flat style"]


def test_without_a_library_there_is_nothing_to_draw_after(pipeline: MiniPipeline, monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "library", None)
    with pytest.raises(ValueError, match="no library"):
        own_views(pipeline, [cutout((1, 2, 3), (4, 5, 6))], "dog", ())
