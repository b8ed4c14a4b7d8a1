from __future__ import annotations

from pathlib import Path

import pytest

from studio import fonts
from studio.domain.stickers import UNMOVED, Motion, SceneSet
from studio.errors import InvalidInput
from studio.packs.finishing import check_caption
from studio.packs.scenes import load_scenes
from studio.packs.validation import is_emoji


def test_the_shipped_scenes_can_be_packed_and_lettered() -> None:
    scenes = load_scenes()
    assert len(scenes) >= 12
    assert len({scene.prompt for scene in scenes}) == len(scenes)
    for scene in scenes:
        assert 1 <= len(scene.emojis) <= 3
        assert all(map(is_emoji, scene.emojis)), scene
        fonts.check_glyphs(scene.words, "round", "words")
        check_caption(scene.words)
        assert scene.says
        assert scene.motion is not Motion.NONE
    assert {scene.motion for scene in scenes[:12]} == set(Motion) - {Motion.NONE}
    feelings = [scene for scene in scenes if scene.set is SceneSet.FEELINGS]
    assert len(feelings) >= 12 and len({scene.feeling.mark for scene in feelings}) == len(feelings)
    assert all(scene.feeling == UNMOVED for scene in scenes if scene.set is SceneSet.OCCASIONS)


@pytest.mark.parametrize(
    "text", ["", "[]", "{a: 1}", "feelings: []", "feelings: [{prompt: x}]", "feelings: [3]", "[",
     "feelings: [{prompt: a, words: b, emojis: [c], says: d, motion: wave}]",
     "feelings: [{prompt: 'a {it}', words: b, emojis: [c], says: d, motion: fly}]",
     "feelings: [{prompt: 'a {it}', words: b, emojis: [c], says: d, motion: wave, mark: moon}]",
     "feelings: [{prompt: 'a {it}', words: b, emojis: [c], says: d, motion: wave, colour: red}]",
     "moods: [{prompt: 'a {it}', words: b, emojis: [c], says: d, motion: wave}]"],
)  # fmt: skip
def test_a_file_that_is_wrong_is_said(text: str, tmp_path: Path) -> None:
    file = tmp_path / "scenes.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=r"scenes\.yaml|no set 'moods'"):
        load_scenes(file)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_scenes(tmp_path / "nothing.yaml")


def test_a_prompt_that_stands_twice_is_said(tmp_path: Path) -> None:
    scene = "{prompt: 'a {it}', words: b, emojis: [c], says: d, motion: wave}"
    (tmp_path / "scenes.yaml").write_text(f"feelings: [{scene}]\noccasions: [{scene}]")
    with pytest.raises(InvalidInput, match="stands twice"):
        load_scenes(tmp_path / "scenes.yaml")
