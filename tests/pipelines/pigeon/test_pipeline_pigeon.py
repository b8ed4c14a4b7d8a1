from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from pipelines.features.preprocessing import normalise_rows
from pipelines.pigeon.attributes import ATTRIBUTES
from pipelines.pigeon.conditioning import Taste, TasteAttention, taste_conditions
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence, Row
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.histories import embeddings
from pipelines.pigeon.interests import find_interests
from pipelines.pigeon.modeling_pigeon import PigeonEncoder
from pipelines.pigeon.pipeline_pigeon import TasteTokens, load_layers, read_tokens, reference_tokens, write
from pipelines.pigeon.scorer import TasteScorer
from tests.pipelines.mini.tiny_mini import DENOISER, TEXT_WIDTH

LOOK, TOKENS, WIDTH = 9, 3, 6


def encoder() -> PigeonEncoder:
    torch.manual_seed(0)
    return PigeonEncoder(
        feature_dim=len(ATTRIBUTES) + LOOK, reference_dim=8, condition_dim=WIDTH, width=16, heads=2, blocks=1,
        tokens=TOKENS, history_length=6,
    )  # fmt: skip


def pictures(count: int, shift: float = 0.0) -> PictureFeatures:
    numbers = np.random.default_rng(count)
    attributes = numbers.random((count, len(ATTRIBUTES)), np.float32) + shift
    looks = numbers.normal(size=(count, LOOK)) + shift
    return PictureFeatures(attributes, normalise_rows(looks.astype(np.float32)))


def scorer_of(features: PictureFeatures) -> TasteScorer:
    rows = tuple(Row(picture=place, liked=place % 4 != 0, weight=1.0) for place in range(len(features)))
    return TasteScorer.learn(features, Evidence(rows=rows), TasteSettings.read())


@pytest.fixture
def unet() -> UNet2DConditionModel:
    torch.manual_seed(1)
    return UNet2DConditionModel(**DENOISER).eval()


def test_what_a_denoiser_is_told_is_as_long_whatever_was_liked() -> None:
    tokens = TasteTokens(encoder())
    shapes = {tuple(tokens.of_scorer(scorer_of(pictures(count))).shape) for count in (2, 5, 40)}
    assert shapes == {(1, TOKENS, WIDTH)}


def test_nothing_liked_is_no_taste() -> None:
    features = pictures(1)
    told = TasteTokens(encoder()).of_scorer(scorer_of(features))  # its only picture is not liked
    assert told.shape == (1, TOKENS, WIDTH) and not told.any()


def test_an_interest_is_told_by_its_own_pictures() -> None:
    two = PictureFeatures.joined([pictures(12, shift=-9.0), pictures(12, shift=9.0)])
    rows = tuple(Row(picture=place, liked=True, weight=1.0) for place in range(24))
    scorer, tokens = TasteScorer.learn(two, Evidence(rows=rows), TasteSettings.read()), TasteTokens(encoder())
    found = find_interests(embeddings(two, scorer), np.ones(24, np.float32))
    assert len(found) == 2
    centres = found.centres.tolist()
    for interest in range(2):
        mine = two[np.flatnonzero(found.members == interest)]
        alone = tokens(mine, np.ones(12, np.float32), scorer)
        torch.testing.assert_close(tokens.of_scorer(scorer, (centres, interest)), alone)
    assert not torch.allclose(tokens.of_scorer(scorer, (centres, 0)), tokens.of_scorer(scorer, (centres, 1)))


def test_a_reference_counts_and_the_dial_hides_it() -> None:
    tokens, features = TasteTokens(encoder()), pictures(8)
    scorer, weights = scorer_of(features), np.ones(8, np.float32)
    shown = reference_tokens(torch.randn(1, 8, 16, 16))
    assert shown.shape == (1, 16, 8)
    plain, meant, hidden = (
        tokens(features, weights, scorer, reference=one, ratio=ratio)
        for one, ratio in ((None, 1.0), (shown, 0.0), (shown, 1.0))
    )
    assert not torch.allclose(plain, meant, atol=1e-4) and not torch.allclose(meant, hidden, atol=1e-5)


def test_what_is_written_draws_the_same(unet, tmp_path) -> None:
    made, attention = encoder(), TasteAttention(unet, TOKENS, WIDTH)
    for layer in attention.layers.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight)
    write(tmp_path, made, attention)
    features = pictures(8)
    tokens = TasteTokens.from_pretrained(tmp_path).of_scorer(scorer_of(features))
    torch.testing.assert_close(tokens, TasteTokens(made).of_scorer(scorer_of(features)), rtol=0.02, atol=0.02)
    rows, text = torch.randn(1, 8, 4, 4), torch.randn(1, 5, TEXT_WIDTH)
    drawn = []
    for layers in (attention, load_layers(tmp_path, unet)):
        with layers, torch.no_grad():
            drawn.append(unet(rows, 500, text, **taste_conditions(tokens)).sample)
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0.02, atol=0.02)


def test_layers_of_another_denoiser_are_refused(unet, tmp_path) -> None:
    write(tmp_path, encoder(), TasteAttention(unet, TOKENS, WIDTH))
    wider = UNet2DConditionModel(**{**DENOISER, "block_out_channels": [8, 24]})
    with pytest.raises(ValueError, match="another denoiser"):
        load_layers(tmp_path, wider)


def test_tokens_travel_as_bytes() -> None:
    from safetensors.torch import save

    tokens = torch.randn(1, TOKENS, WIDTH)
    torch.testing.assert_close(read_tokens(save({"tokens": tokens.half()})), tokens, rtol=1e-2, atol=1e-2)


def test_strengths_are_of_each_picture_and_within_bounds(unet) -> None:
    attention, tokens = TasteAttention(unet, TOKENS, WIDTH), torch.ones(2, TOKENS, WIDTH)
    taste = Taste(attention, tokens, torch.tensor([0.0, 0.5]))
    assert taste.told[0].abs().max() == 0 and taste.told[1].unique().tolist() == [0.5]
    assert (taste.counts(0), taste.counts(1)) == (False, True)
    torch.testing.assert_close(taste.of(1).told, taste.told[1:])
    for wrong in (1.5, torch.tensor([0.1, 0.2, 0.3])):
        with pytest.raises(ValueError, match="strength"):
            Taste(attention, tokens, wrong)
