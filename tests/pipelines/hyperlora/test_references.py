from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.hyperlora.references import EDGE, TOKEN_COUNT, TOKEN_DIM, NoSubject, frame_subject, reference_tokens
from tests.pipelines.hyperlora.tiny_hyperlora import PixelEncoder, cutout


def test_subject_is_centred_with_a_margin() -> None:
    framed = frame_subject(cutout((200, 30, 30), size=(40, 20)))
    left, top, right, bottom = framed.getchannel("A").getbbox()
    assert framed.size == (EDGE, EDGE)
    assert abs((left + right) - EDGE) <= 1 and abs((top + bottom) - EDGE) <= 1
    assert (right - left) == pytest.approx(EDGE * 0.88, abs=1) and (bottom - top) == pytest.approx(EDGE * 0.44, abs=1)


def test_position_in_the_picture_does_not_matter() -> None:
    moved = Image.new("RGBA", (90, 90))
    moved.paste(cutout((10, 200, 30)).crop((10, 20, 50, 50)), (45, 3))
    tokens = reference_tokens([cutout((10, 200, 30)), moved], PixelEncoder())
    np.testing.assert_array_equal(tokens[0], tokens[1])


def test_tokens_have_the_stated_shape_and_hold_the_colours() -> None:
    tokens = reference_tokens([cutout((255, 0, 0)), cutout((0, 0, 255))], PixelEncoder())
    assert tokens.shape == (2, TOKEN_COUNT, TOKEN_DIM) and tokens.dtype == np.float32
    middle = tokens[:, 1 + 24, 768:].reshape(2, 16, 4)
    np.testing.assert_allclose(middle[0], np.broadcast_to([1, -1, -1, 1], (16, 4)), atol=0.02)
    np.testing.assert_allclose(middle[1], np.broadcast_to([-1, -1, 1, 1], (16, 4)), atol=0.02)
    corner = tokens[:, 1, 768:]
    np.testing.assert_allclose(corner, 0, atol=0.02)
    np.testing.assert_allclose(tokens[:, 1 + 24, :768].mean(-1), 0, atol=1e-4)


def test_an_empty_cutout_gets_a_sentence() -> None:
    with pytest.raises(NoSubject, match="cut-out of 8 × 9 pixels is wholly transparent"):
        reference_tokens([Image.new("RGBA", (8, 9))], PixelEncoder())
