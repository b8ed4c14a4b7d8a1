from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load

from studio.engines.base import ImageEngine, ImageJob, MeterEngine, Subject, SubjectEngine
from studio.engines.fake import FakeImageEngine, FakeMeterEngine, FakeRefiningEngine, FakeSubjectEngine
from studio.errors import JobCancelled

JOB = ImageJob(
    prompt="a dog",
    subjects=(Subject(mention="bo", kind="dog", adapter=b"bo"),),
    seeds=(1, 2),
    steps=3,
    guidance=4.0,
    fidelity=0.7,
)


class Listener:
    """A report that remembers, and stops after some calls."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.heard: list[tuple[float, Image.Image | None]] = []
        self._stop_after = stop_after

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        if len(self.heard) == self._stop_after:
            raise JobCancelled("stopped")
        self.heard.append((share, preview))


def test_pictures_depend_on_prompt_seed_and_subject_alone() -> None:
    engine: ImageEngine = FakeImageEngine(size=64)
    first, other_seed = engine.generate(JOB, Listener())
    again, _ = FakeImageEngine(size=64).generate(JOB, Listener())
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other_seed.tobytes()
    assert (first.mode, first.size) == ("RGBA", (64, 64))
    assert first.getpixel((0, 0)) == (0, 0, 0, 0)


def test_every_step_is_reported_with_a_preview_that_sharpens() -> None:
    listener = Listener()
    FakeImageEngine(size=64).generate(JOB, listener)
    shares = [share for share, _ in listener.heard]
    assert len(shares) == 2 * 3 + 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    previews = [np.asarray(preview, dtype=np.float64) for _, preview in listener.heard[:3] if preview is not None]
    edges = [np.abs(np.diff(preview, axis=0)).max() for preview in previews]
    assert edges == sorted(edges)


def test_the_image_engine_stops_and_remembers() -> None:
    engine = FakeImageEngine(size=64)
    listener = Listener(stop_after=2)
    with pytest.raises(JobCancelled):
        engine.generate(JOB, listener)
    assert len(listener.heard) == 2
    assert engine.requests == [JOB]


def test_the_subject_engine_cuts_out_the_middle() -> None:
    engine: SubjectEngine = FakeSubjectEngine()
    reading = engine.read(Image.new("RGB", (80, 40), "red"))
    assert (reading.cutout.mode, reading.cutout.size) == ("RGBA", (60, 30))
    assert reading.cutout.getpixel((30, 15)) == (255, 0, 0, 255)
    assert reading.cutout.getpixel((0, 0)) == (255, 0, 0, 0)
    assert 0.3 < reading.coverage < 0.6
    assert [score for _, score in reading.kinds] == sorted((score for _, score in reading.kinds), reverse=True)


def test_the_adapter_is_a_valid_file_that_depends_on_what_it_is_made_from() -> None:
    cutout = Image.new("RGBA", (8, 8), "red")
    made = FakeSubjectEngine().personalize([cutout], "dog", Listener())
    assert made == FakeSubjectEngine().personalize([cutout], "dog", Listener())
    assert made != FakeSubjectEngine().personalize([cutout], "cat", Listener())
    assert made != FakeSubjectEngine(model="fake-2").personalize([cutout], "dog", Listener())
    tensors = load(made)
    assert {name.rpartition(".lora_")[2] for name in tensors} == {"A.weight", "B.weight"}
    assert sorted(tensor.shape for tensor in tensors.values()) == [(4, 32), (32, 4)]


def test_a_refined_adapter_is_another_of_the_same_shape() -> None:
    cutouts = [Image.new("RGBA", (30, 20), "red")]
    adapter = FakeSubjectEngine().personalize(cutouts, "dog", quiet)
    engine = FakeRefiningEngine(gain=-0.1)
    refined = engine.refine(adapter, cutouts, "dog", quiet)
    assert engine.requests == [(1, "dog")] and not refined.helps
    before, after = load(adapter), load(refined.adapter)
    assert {name: value.shape for name, value in before.items()} == {name: value.shape for name, value in after.items()}
    assert refined.adapter != adapter


def quiet(share: float, message: str = "", preview: Image.Image | None = None) -> None:
    """Take a report and say nothing."""


def test_the_meter_scores_the_same_picture_alike_and_likeness_needs_a_subject() -> None:
    engine: MeterEngine = FakeMeterEngine()
    pictures = [Image.new("RGBA", (8, 8), colour) for colour in ("red", "blue")]
    red, blue = engine.score(pictures, JOB, Listener())
    assert red != blue and red.likeness is not None and red.prompt is not None
    assert engine.score(pictures[:1], JOB, Listener()) == [red]
    (alone,) = engine.score(pictures[:1], dataclasses.replace(JOB, subjects=()), Listener())
    assert (alone.likeness, alone.prompt) == (None, red.prompt)


def test_photos_of_far_colours_are_not_alike() -> None:
    engine = FakeSubjectEngine()
    looks = [engine.read(Image.new("RGB", (16, 16), colour)).look for colour in ("blue", "red", "crimson", "red")]
    assert engine.groups(looks) == [[1, 2, 3], [0]]
