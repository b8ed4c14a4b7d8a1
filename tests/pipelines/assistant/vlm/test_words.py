from __future__ import annotations

import torch

from pipelines.assistant.vlm.configuration_vlm import WordsConfig
from pipelines.assistant.vlm.modeling_vlm import Projector
from pipelines.assistant.vlm.words import WordLessons, said_of, teach_words
from tests.pipelines.assistant.tiny_chat import text_model
from tests.pipelines.assistant.vlm.tiny_vlm import PICTURES, WIDTH, features


def test_a_projector_learns_to_point_at_the_words_of_a_picture() -> None:
    language, tokenizer = text_model()
    embeddings = language.get_input_embeddings().weight
    lessons = WordLessons(embeddings, tokenizer, PICTURES, sharpness=8.0)
    torch.manual_seed(0)
    projector = Projector(WIDTH, 16, embeddings.shape[1])
    rows = torch.arange(4)
    before = float(lessons.loss(projector(features()), rows).detach())
    config = WordsConfig(steps=500, batch=4, learning_rate=0.01, sharpness=8.0)
    assert teach_words(projector, lessons, features(), config, seed=0) < before - 0.5
    scores = lessons.scores(projector(features()))
    right = lessons.right.bool()
    assert all(scores[row][right[row]].mean() > scores[row][~right[row]].mean() + 1 for row in range(4))


def test_the_words_are_those_of_what_is_shown() -> None:
    assert said_of(PICTURES[2]).split() == ["red", "mug", "cactus"]
