from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.lab import to_lab
from pipelines.lora import COAT, LoraFactors
from pipelines.mini.dressing import FULL, Dresser, _picks, _unlikeness, dressed, named_colours, pull_of
from pipelines.mini.pipeline_mini import MiniPipeline, PersonalSubject
from tests.pipelines.mini.tiny_mini import SIZE, random_lora, tiny_pipeline

RED, YELLOW, LINES = (220, 60, 60), (230, 200, 40), (20, 20, 20)


def drawing(size: int = 24) -> np.ndarray:
    """A red block, a yellow one and a dark line on transparent ground."""
    picture = np.zeros((size, size, 4), np.uint8)
    picture[2:-2, 2 : size // 2] = (*RED, 255)
    picture[2:-2, size // 2 : -2] = (*YELLOW, 255)
    picture[size // 2, 2:-2] = (*LINES, 255)
    return picture


def vague(left: tuple[int, int, int], right: tuple[int, int, int], size: int = 24) -> np.ndarray:
    picture = np.zeros((size, size, 3), np.uint8)
    picture[:, : size // 2], picture[:, size // 2 :] = left, right
    return picture


def parts(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return picture[6, 6, :3].astype(float), picture[6, -6, :3].astype(float)


def test_every_part_gets_the_colour_expected_at_its_place() -> None:
    plain = drawing()
    found = dressed(plain, vague((60, 90, 200), (240, 240, 235)), ())
    left, right = parts(found)
    assert np.linalg.norm(to_lab(left) - to_lab((60, 90, 200))) < 6
    assert np.linalg.norm(to_lab(right) - to_lab((240, 240, 235))) < 6
    assert np.array_equal(found[..., 3], plain[..., 3])
    assert tuple(found[12, 6, :3]) == LINES


def test_the_coat_clears_colours_up_and_does_not_move_them() -> None:
    dull, coat = vague((130, 110, 150), (150, 140, 110)), ("#b0a060", "#7060a0")
    left, right = parts(dressed(drawing(), dull, coat))
    purple, yellow = to_lab((112, 96, 160)), to_lab((176, 160, 96))
    assert np.linalg.norm((to_lab(left) - purple)[1:]) < np.linalg.norm((to_lab(left) - yellow)[1:])
    assert np.linalg.norm((to_lab(right) - yellow)[1:]) < np.linalg.norm((to_lab(right) - purple)[1:])
    # as colourful as the photos, as light as expected: shade on a photo is not the colour of the thing
    assert np.linalg.norm(to_lab(left)[1:]) > 1.4 * np.linalg.norm(to_lab((130, 110, 150))[1:])
    assert abs(to_lab(left)[0] - to_lab((130, 110, 150))[0]) < 8


def test_a_vivid_thing_is_as_light_as_its_photos_show_it() -> None:
    dull = vague((160, 110, 70), (90, 60, 60))  # a yellow duck and a red one, as the mean of what might be drawn
    left, right = parts(dressed(drawing(), dull, ("#f0c814",)))
    yellow = to_lab((0xF0, 0xC8, 0x14))
    for part in (left, right):
        assert abs(to_lab(part)[0] - yellow[0]) < 8 and np.linalg.norm((to_lab(part) - yellow)[1:]) < 16
    # what is expected to be lighter stays so, and fur is as light as expected
    pale = parts(dressed(drawing(), vague((250, 240, 200), (250, 240, 200)), ("#c89a10",)))[0]
    assert to_lab(pale)[0] > to_lab((0xC8, 0x9A, 0x10))[0] + 10
    fur = parts(dressed(drawing(), dull, ("#c89a70",)))[1]
    assert abs(to_lab(fur)[0] - to_lab((90, 60, 60))[0]) < 6


def lab_of(*colours: tuple[int, int, int]) -> np.ndarray:
    return to_lab(np.array(colours))


def test_the_shade_of_a_vivid_thing_is_called_by_its_colour() -> None:
    worn = lab_of((215, 152, 1), (136, 97, 38), (158, 136, 82), (200, 196, 182), (30, 60, 160))  # a rubber duck
    named = named_colours(worn)
    assert np.allclose(named[:3], worn[0]) and np.allclose(named[3:], worn[3:])
    lit = named_colours(np.concatenate([worn[:2], lab_of((245, 225, 79))]))
    assert np.allclose(lit, lit[0]) and worn[0, 0] < lit[0, 0] < to_lab((245, 225, 79))[0]


def test_fur_keeps_all_its_colours() -> None:
    for worn in (
        lab_of((162, 103, 64), (217, 142, 91), (94, 52, 31)),  # ginger and its darker parts
        lab_of((240, 240, 238), (180, 178, 176), (90, 88, 86)),
        lab_of((150, 100, 70), (214, 20, 40)),  # brown fur first, and a red collar
    ):
        assert np.allclose(named_colours(worn), worn)


def test_a_part_that_looks_as_its_class_is_left_as_it_is_drawn() -> None:
    plain = drawing()
    found = dressed(plain, vague((215, 66, 62), (40, 60, 200)), ("#2020e0", "#20e020"))
    left, right = parts(found)
    assert tuple(left) == RED and np.linalg.norm(to_lab(right) - to_lab(YELLOW)) > 40


def test_the_dial_goes_from_the_class_to_the_thing() -> None:
    drawn, wanted = drawing(), vague((60, 90, 200), (240, 240, 235))
    whole = to_lab(parts(dressed(drawn, wanted, ()))[0])
    distances = [
        float(np.linalg.norm(to_lab(parts(dressed(drawn, wanted, (), pull_of(fidelity)))[0]) - whole))
        for fidelity in (0.0, 0.2, 0.4, FULL, 1.0)
    ]
    assert np.array_equal(dressed(drawn, wanted, (), pull_of(0.0)), drawn)
    assert distances[0] > distances[1] > distances[2] > distances[3] == distances[4] == 0.0


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> MiniPipeline:
    torch.set_num_threads(1)
    return tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True)


def test_the_lora_says_how_a_thing_looks(pipeline: MiniPipeline) -> None:
    lora = random_lora(pipeline)
    before = {name: value.clone() for name, value in pipeline.unet.state_dict().items()}
    dress, plain = Dresser(pipeline, lora), drawing(SIZE)
    found = dress(plain, "a dog, flat style")
    assert found.shape == plain.shape and np.array_equal(found[..., 3], plain[..., 3])
    assert not np.array_equal(found, Dresser(pipeline, lora.scaled(-3.0))(plain, "a dog, flat style"))
    for name, value in pipeline.unet.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks for module in pipeline.unet.modules())


def test_a_drawing_is_looked_at_once(pipeline: MiniPipeline) -> None:
    calls: list[int] = []
    hook = pipeline.unet.register_forward_hook(lambda *_: calls.append(1))
    dress = Dresser(pipeline, random_lora(pipeline))
    first, again = (dress(drawing(SIZE), "a dog") for _ in range(2))
    assert len(calls) == 1 and np.array_equal(first, again)
    dress(drawing(SIZE), "a cat")
    hook.remove()
    assert len(calls) == 2


def test_pictures_are_drawn_after_the_dressed_drawing(pipeline: MiniPipeline) -> None:
    layers = random_lora(pipeline).layers
    one, other = (LoraFactors(layers, metadata={COAT: coat}) for coat in ("#e02020", "#2020e0"))

    def drawn(lora: LoraFactors, fidelity: float) -> torch.Tensor:
        return pipeline(
            "a dog",
            num_inference_steps=2,
            seeds=[1],
            subjects=[PersonalSubject(lora=lora)],
            fidelity=fidelity,
            output_type="latent",
        ).images

    assert not torch.allclose(drawn(one, 0.5), drawn(other, 0.5))
    assert torch.equal(drawn(one, 0.0), drawn(other, 0.0))  # the dial at the prompt: the class as it is


def test_parts_choose_together_so_that_a_dull_mean_does_not_hide_the_main_colour() -> None:
    worn = np.array([[55.0, 10.0, -55.0], [15.0, 0.0, 0.0]])  # blue, and black beside it
    expected = np.array([[30.0, -1.0, -12.0], [28.0, 0.0, -4.0]])  # both nearly black, the larger part bluer
    unlike = _unlikeness(worn, expected)
    assert unlike.argmin(axis=1).tolist() == [1, 1]
    assert _picks(unlike, np.array([0.6, 0.4])).tolist() == [0, 1]


def test_clear_expectations_are_followed_whatever_share_they_have() -> None:
    worn = np.array([[55.0, 10.0, -55.0], [90.0, 0.0, 0.0]])
    clear = np.array([[90.0, 0.0, 0.0], [55.0, 10.0, -55.0]])
    assert _picks(_unlikeness(worn, clear), np.array([0.8, 0.2])).tolist() == [1, 0]


def test_of_many_parts_the_smallest_take_what_is_nearest() -> None:
    unlike = np.random.default_rng(0).uniform(0, 80, (9, 6))
    areas = np.sort(np.random.default_rng(1).uniform(size=9))[::-1]
    picks = _picks(unlike, areas / areas.sum())
    assert picks.shape == (9,) and picks[5:].tolist() == unlike[5:].argmin(axis=1).tolist()


def test_a_coat_of_any_length_is_worn() -> None:
    drawing = np.zeros((24, 24, 4), np.uint8)
    for part, colour in enumerate(((200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (160, 40, 200))):
        drawing[:, 4 * part : 4 * part + 4] = (*colour, 255)
    coat = [f"#{shade:02x}{255 - shade:02x}80" for shade in range(0, 250, 2)]
    assert dressed(drawing, 255 - drawing, coat).shape == drawing.shape
