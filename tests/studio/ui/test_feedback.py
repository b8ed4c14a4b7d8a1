from __future__ import annotations

import gradio as gr
import pytest

from studio.errors import InvalidInput
from studio.ui.feedback import told


def test_a_studio_error_becomes_its_sentence_as_a_toast() -> None:
    @told
    def handler(value: str) -> None:
        raise InvalidInput(f"{value} is <b>wrong</b>.")

    with pytest.raises(gr.Error) as shown:
        handler("It")
    assert shown.value.message == "It is &lt;b&gt;wrong&lt;/b&gt;."
    assert isinstance(shown.value.__cause__, InvalidInput)


def test_what_is_not_the_studios_is_not_touched() -> None:
    @told
    def handler() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        handler()
