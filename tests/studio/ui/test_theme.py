from __future__ import annotations

import re

import pytest

from studio.ui.app import ASSETS
from studio.ui.theme import KeepsakeTheme

STYLES = (ASSETS / "tokens.css").read_text(encoding="utf-8")


def tokens(block: str) -> dict[str, str]:
    found = re.search(rf"{re.escape(block)} \{{(.*?)\}}", STYLES, re.S)
    assert found
    return dict(re.findall(r"--(k-[\w-]+): (#[0-9a-f]{6})", found[1]))


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [":root", ".dark"])
def test_text_is_readable_and_edges_are_visible_in_both_lights(mode: str) -> None:
    colour = tokens(":root") | tokens(mode)
    for ground in ("k-page", "k-paper", "k-raised"):
        assert contrast(colour["k-ink"], colour[ground]) >= 7
        assert contrast(colour["k-ink-soft"], colour[ground]) >= 4.5
        assert contrast(colour["k-thread-ink"], colour[ground]) >= 4.5
    assert contrast("#ffffff", colour["k-thread"]) >= 4.5
    assert contrast(colour["k-tape-ink"], colour["k-tape"]) >= 4.5
    assert contrast(colour["k-edge"], colour["k-field"]) >= 3


def test_every_token_the_theme_names_is_defined() -> None:
    for name in set(re.findall(r"var\(--(k-[\w-]+)\)", KeepsakeTheme()._get_theme_css())):
        assert f"--{name}:" in STYLES, name
