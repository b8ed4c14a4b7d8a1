"""gradio's theme in the studio's own tokens; the tokens themselves are in ``assets/ui/tokens.css``."""

from __future__ import annotations

import gradio as gr

_TOKENS = {
    "body_background_fill": "var(--k-page)",
    "body_text_color": "var(--k-ink)",
    "body_text_color_subdued": "var(--k-ink-soft)",
    "background_fill_primary": "var(--k-paper)",
    "background_fill_secondary": "var(--k-page)",
    "border_color_accent": "var(--k-thread)",
    "border_color_primary": "var(--k-line)",
    "color_accent": "var(--k-thread)",
    "color_accent_soft": "var(--k-thread-wash)",
    "link_text_color": "var(--k-thread-ink)",
    "link_text_color_hover": "var(--k-thread-ink)",
    "link_text_color_active": "var(--k-thread-ink)",
    "link_text_color_visited": "var(--k-thread-ink)",
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0px",
    "block_radius": "var(--k-round)",
    "block_title_text_color": "var(--k-ink)",
    "block_title_text_weight": "600",
    "block_info_text_color": "var(--k-ink-soft)",
    "block_label_background_fill": "transparent",
    "block_label_text_color": "var(--k-ink)",
    "panel_background_fill": "transparent",
    "input_background_fill": "var(--k-field)",
    "input_background_fill_focus": "var(--k-field)",
    "input_background_fill_hover": "var(--k-field)",
    "input_border_color": "var(--k-edge)",
    "input_border_color_focus": "var(--k-thread)",
    "input_border_color_hover": "var(--k-ink-soft)",
    "input_border_width": "1px",
    "input_placeholder_color": "var(--k-ink-soft)",
    "input_radius": "var(--k-round-s)",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "slider_color": "var(--k-thread)",
    "loader_color": "var(--k-thread)",
    "accordion_text_color": "var(--k-ink)",
    "error_background_fill": "var(--k-paper)",
    "error_border_color": "var(--k-line)",
    "error_text_color": "var(--k-ink)",
    "error_icon_color": "var(--k-thread-ink)",
    "button_border_width": "1px",
    "button_primary_background_fill": "var(--k-thread)",
    "button_primary_background_fill_hover": "var(--k-thread-deep)",
    "button_primary_border_color": "var(--k-thread)",
    "button_primary_border_color_hover": "var(--k-thread-deep)",
    "button_primary_text_color": "#fff",
    "button_primary_text_color_hover": "#fff",
    "button_primary_shadow": "none",
    "button_primary_shadow_hover": "none",
    "button_secondary_background_fill": "var(--k-paper)",
    "button_secondary_background_fill_hover": "var(--k-raised)",
    "button_secondary_border_color": "var(--k-edge)",
    "button_secondary_border_color_hover": "var(--k-ink-soft)",
    "button_secondary_text_color": "var(--k-ink)",
    "button_secondary_text_color_hover": "var(--k-ink)",
    "button_secondary_shadow": "none",
    "button_secondary_shadow_hover": "none",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "var(--k-raised)",
    "checkbox_label_background_fill_selected": "var(--k-ink)",
    "checkbox_label_text_color": "var(--k-ink)",
    "checkbox_label_text_color_selected": "var(--k-paper)",
    "checkbox_label_border_width": "0px",
    "checkbox_label_shadow": "none",
}


class KeepsakeTheme(gr.themes.Base):
    """Paper, ink and one red thread. Dark mode changes the tokens, so both modes name the same ones."""

    def __init__(self) -> None:
        super().__init__(
            font=("Instrument Sans", "system-ui", "sans-serif"),
            font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "monospace"),
        )
        dark = {f"{name}_dark": value for name, value in _TOKENS.items() if hasattr(self, f"{name}_dark")}
        self.set(**_TOKENS, **dark)
        self.name = "keepsake"
