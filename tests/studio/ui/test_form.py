from __future__ import annotations

import gradio as gr
import pytest

from studio.domain.generation import GenerateRequest
from studio.errors import InvalidInput
from studio.ui.form import Form


def test_it_reads_the_request_by_field_name() -> None:
    form = Form(GenerateRequest, prompt=gr.Textbox(), count=gr.Number())
    assert form.read({"prompt": " a fox ", "count": 2}) == GenerateRequest(prompt="a fox", count=2)


def test_it_raises_what_the_request_raises() -> None:
    with pytest.raises(InvalidInput, match="prompt is empty"):
        Form(GenerateRequest, prompt=gr.Textbox()).read({"prompt": ""})


def test_it_fills_the_widgets() -> None:
    form = Form(GenerateRequest, prompt=gr.Textbox(), seed=gr.Number())
    assert form.fill({"seed": 4}) == {form.components["seed"]: 4}


def test_a_misspelt_field_fails_when_the_page_is_built() -> None:
    with pytest.raises(TypeError, match="promt"):
        Form(GenerateRequest, promt=gr.Textbox())
