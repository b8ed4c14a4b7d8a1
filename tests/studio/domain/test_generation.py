from __future__ import annotations

import math

import pytest

from studio.domain.generation import COUNT_MAX, PROMPT_MAX, SEED_MAX, STEPS_MAX, GenerateRequest
from studio.errors import InvalidInput


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"prompt": ""}, "empty"),
        ({"prompt": " \n\t "}, "empty"),
        ({"prompt": "x" * 10_000}, "10000 characters"),
        ({"count": 0}, "count is 0"),
        ({"count": COUNT_MAX + 1}, f"count is {COUNT_MAX + 1}"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": SEED_MAX + 1}, "seed"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": STEPS_MAX + 1}, "steps"),
        ({"guidance": 0.5}, "guidance is 0.5"),
        ({"guidance": math.nan}, "guidance is nan"),
        ({"fidelity": 1.1}, "fidelity is 1.1"),
        ({"fidelity": math.inf}, "fidelity is inf"),
    ],
)
def test_a_request_out_of_bounds_names_the_value(values: dict[str, float | str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        GenerateRequest(**{"prompt": "a dog", **values})  # type: ignore[arg-type]


def test_the_bounds_themselves_are_taken() -> None:
    request = GenerateRequest(
        prompt=f"  {'x' * PROMPT_MAX} ", count=COUNT_MAX, seed=SEED_MAX, steps=STEPS_MAX, guidance=1, fidelity=0
    )
    assert len(request.prompt) == PROMPT_MAX
