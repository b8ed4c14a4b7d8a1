from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bench.personalization_report import (
    COMPARED,
    OURS,
    curves,
    differences,
    line,
    picture_file,
    read,
    report,
    sheet,
    summed_up,
    table,
    whole,
)

ROWS = ("its reference", "class word", OURS, f"{OURS} at 1", f"{OURS} at 0.4", f"{OURS} + refine")
TRAINED = tuple(f"DreamBooth-LoRA 0.001, {steps} steps{way}" for way in ("", " + HM-CFG") for steps in (400, 50))


def subject(meter: float) -> dict[str, dict[str, float]]:
    rows = {name: {"meter": meter + place / 10, "seconds": 1.0} for place, name in enumerate(ROWS)}
    return rows | {name: {"meter": meter, "margin": 0.1} for name in TRAINED}


def test_means_and_standard_errors_are_over_the_subjects() -> None:
    found = summed_up([subject(0.2), subject(0.4)])
    assert found["class word"] == {
        "subjects": 2,
        "meter": 0.4,
        "meter error": 0.1,
        "seconds": 1.0,
        "seconds error": 0.0,
    }
    assert summed_up([subject(0.2)])["class word"] == {"subjects": 1, "meter": 0.3, "seconds": 1.0}
    assert summed_up([subject(0.2), {"further": {"meter": 0.7}}])["further"] == {"subjects": 1, "meter": 0.7}


def test_differences_are_taken_subject_by_subject() -> None:
    found = differences([subject(0.2), subject(0.9)])
    assert OURS not in found
    assert found["class word"]["meter"] == pytest.approx(0.1)
    assert found["class word"]["meter error"] == pytest.approx(0.0)


def test_a_run_without_ours_is_compared_with_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    without = {name: figures for name, figures in subject(0.2).items() if name != OURS}
    assert differences([without]) == {}
    report("photos", [{"rows": without, "family": "photos"}])
    assert "less each" not in capsys.readouterr().out


def test_rows_of_fewer_subjects_do_not_stand_beside_the_others() -> None:
    rows = {"one": {"subjects": 2.0}, "other": {"subjects": 1.0}}
    assert list(whole(rows)) == ["one"]


def test_what_was_not_measured_is_a_dash() -> None:
    assert line("a row", {"meter": 0.3, "meter error": 0.071}, ("meter", "word")) == "| a row | 0.3 ± 0.071 | – |"
    assert table({"a row": {"meter": 0.5}}, ("meter",)).splitlines() == ["| | meter |", "|---|---|", "| a row | 0.5 |"]
    assert "seconds" not in COMPARED


def test_curves_go_by_steps_and_by_the_dial() -> None:
    found = curves((*ROWS, *TRAINED))
    assert [said for _, said in found[f"{OURS}, by the dial"]] == ["0.4", "0.7", "1"]
    assert [said for _, said in found["DreamBooth-LoRA 0.001, by steps"]] == ["50", "400"]
    assert [said for _, said in found["DreamBooth-LoRA 0.001 + HM-CFG, by steps"]] == ["50", "400"]
    assert len(found) == 3


def test_runs_of_the_same_subjects_are_joined(tmp_path: Path) -> None:
    def written(name: str, things: list[str], rows: dict) -> Path:
        subjects = [{"name": thing, "family": "photos", "rows": rows} for thing in things]
        (tmp_path / name).write_text(json.dumps({"steps": 8, "photos": {"prompts": [], "subjects": subjects}}))
        return tmp_path / name

    one = written("one.json", ["dog"], {"class word": {"meter": 0.1}})
    other = written("other.json", ["dog", "cat"], {OURS: {"meter": 0.2}})
    dog, cat = read([one, other])["photos"]
    assert list(dog["rows"]) == ["class word", OURS] and list(cat["rows"]) == [OURS]
    with pytest.raises(ValueError, match=r"'dog'.*'owl'"):
        read([one, written("third.json", ["owl"], {})])


def test_a_sheet_has_a_line_a_subject(tmp_path: Path) -> None:
    for number in range(2):
        for place, row in enumerate(("its reference", OURS)):
            file = picture_file(tmp_path, "held-out individuals", number, row, 0)
            file.parent.mkdir(parents=True)
            Image.new("RGBA", (8, 8), (100 * number, 100 * place, 0, 255)).save(file)
    drawn = sheet(tmp_path, [("held-out individuals", 1), ("held-out individuals", 0)], ("its reference", OURS))
    assert drawn.size == (16, 16)
    assert np.asarray(drawn)[4, 4].tolist() == [100, 0, 0] and np.asarray(drawn)[12, 12].tolist() == [0, 100, 0]
