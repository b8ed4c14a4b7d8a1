from __future__ import annotations

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from tests.bench.baselines.method import called
from tests.bench.baselines.own_rows import OwnRows, diffusion_error
from tests.bench.baselines.textual_inversion import TextualInversion, TextualInversionConfig
from tests.pipelines.mini.tiny_mini import tiny_pipeline

CONFIG = TextualInversionConfig(word="mug", steps=40, learning_rate=0.1, warmup=4)
COAT = ("#dc2828",)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedBase:
    torch.set_num_threads(1)
    return EmbeddedBase(tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True), "tiny@0")


def thing() -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    picture.paste((220, 40, 40, 255), (16, 8, 48, 56))
    return picture


def test_the_word_comes_to_mean_the_thing_and_all_else_is_frozen(base: EmbeddedBase) -> None:
    pipeline = base.pipeline
    frozen = [pipeline.unet, pipeline.text_encoder]
    weights = [{name: value.clone() for name, value in one.state_dict().items()} for one in frozen]
    method = TextualInversion(base, CONFIG)
    start, learned = method._start("dog"), method.learn([thing()], "dog", COAT)
    for model, before in zip(frozen, weights, strict=True):
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    own = OwnRows.of(base, [thing()], "dog", COAT)
    batch = own.draw(64, torch.Generator().manual_seed(5))
    captions = [own.captions[place] for place in batch.captions]
    with torch.no_grad():
        first = method._encode([called(caption, "mug") for caption in captions], start)
        errors = [
            float(diffusion_error(base, batch, text, torch.Generator().manual_seed(6)))
            for text in (first, learned.encode_text(base, captions))
        ]
    assert errors[1] < errors[0]


def test_only_captions_with_the_word_change(base: EmbeddedBase) -> None:
    learned = TextualInversion(base, CONFIG).learn([thing()], "dog", COAT)
    plain = base.encode_text(["a mug dog", "a dog"])["encoder_hidden_states"]
    own = learned.encode_text(base, ["a dog"])["encoder_hidden_states"]
    with learned.speaking():
        still = base.encode_text(["a dog"])["encoder_hidden_states"]
    assert (own[0] - plain[0]).abs().max() > 1e-3
    torch.testing.assert_close(still[0], plain[1])
    torch.testing.assert_close(base.encode_text(["a mug dog"])["encoder_hidden_states"][0], plain[0])


def test_it_is_read_while_learning_as_it_is_afterwards(base: EmbeddedBase) -> None:
    method, word = TextualInversion(base, CONFIG), torch.randn(16, generator=torch.Generator().manual_seed(2))
    captions = ["a mug dog", "a mug cat, flat style"]
    with torch.no_grad():
        learning = method._encode(captions, word)
    with method._knowing(word):
        drawing = base.encode_text(captions)
    for name, value in drawing.items():
        torch.testing.assert_close(learning[name], value)


def test_a_word_of_several_tokens_is_refused(base: EmbeddedBase) -> None:
    with pytest.raises(ValueError, match="2 tokens"):
        TextualInversion(base, TextualInversionConfig(word="dog cat"))
