from __future__ import annotations

import json

import pytest


@pytest.fixture
def bo(keepsake, photo_file):
    return keepsake("concept", "add", "Bo", photo_file, "--fact", "afraid of balloons")


def test_an_answer_with_its_sources(keepsake, bo, photo_file) -> None:
    told = keepsake("ask", "Who is this?", "--image", photo_file)
    assert told.status == 0
    assert told.out.splitlines() == [
        "I see Bo. “afraid of balloons”.",
        "  Bo: sure, 100%",
        told.out.splitlines()[2],
    ]
    assert told.out.splitlines()[2].startswith("  “afraid of balloons”: the card of Bo, since 20")


def test_json_holds_regions_sources_and_facts(keepsake, bo, photo_file) -> None:
    told = keepsake("ask", "", "--image", photo_file, "--json").json
    (region,) = told["regions"]
    assert (region["file"], region["concept"], region["certainty"]) == (str(photo_file), "Bo", "sure")
    assert region["box"] == [0.0, 0.0, 1.0, 1.0]
    assert [one["concept"] for one in told["sources"]] == ["Bo"]
    assert [(one["concept"], one["text"]) for one in told["facts"]] == [("Bo", "afraid of balloons")]
    assert told["conversation"] is None and told["origin"] == "quoted"


def test_nothing_is_kept_unless_a_chat_is_named(keepsake, bo, photo_file, tmp_path) -> None:
    files = {path for path in (tmp_path / "data" / "files").rglob("*") if path.is_file()}
    keepsake("ask", "Who is this?", "--image", photo_file)
    assert {path for path in (tmp_path / "data" / "files").rglob("*") if path.is_file()} == files
    first = keepsake("ask", "Who is this?", "--image", photo_file, "--chat", "new", "--json").json
    again = keepsake("ask", "And what is it afraid of?", "--chat", first["conversation"], "--json").json
    assert again["conversation"] == first["conversation"]
    assert [one["concept"] for one in again["sources"]] == ["Bo"]


def test_what_is_told_is_proposed_and_not_stored(keepsake, bo) -> None:
    told = keepsake("ask", "Remember that Bo is small", "--json").json
    assert told["proposals"] == [{"concept": "Bo", "text": "small"}]
    assert keepsake("concept", "list", "--json").json[0]["facts"] == ["afraid of balloons"]


def test_bad_questions_are_one_line(keepsake, one_line, tmp_path, monkeypatch) -> None:
    one_line(keepsake("ask", ""), "question is empty")
    one_line(keepsake("ask", "x" * 10_000, "--json"), "10000 characters")
    one_line(keepsake("ask", "Who?", "--image", "not-there.jpg"), "not-there.jpg does not exist")
    one_line(keepsake("ask", "Who?", "--chat", "nothing"), "This conversation is not there")
    monkeypatch.setenv("KEEPSAKE_ENGINES__ASSISTANT__OPTIONS", json.dumps({"fails": "The server is down."}))
    one_line(keepsake("ask", "Who is Bo?"), "The server is down.")
