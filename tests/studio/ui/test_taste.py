from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from studio.domain.generation import GenerateRequest
from studio.domain.taste import Reaction
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

PATIENCE = 60.0


def plain(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def nik(served: tuple[Studio, str]) -> Studio:
    studio = served[0]
    for profile in studio.tastes.list():
        studio.tastes.forget(profile.id)
    liked = [(f"{n}.png", lambda n=n: plain((220, 60 + 20 * n, 20))) for n in range(3)]
    studio.tastes.import_pictures("Nik", liked, [("b.png", lambda: plain((20, 30, 220)))]).result(PATIENCE)
    return studio


def test_what_is_known_is_shown_with_pictures_that_can_be_taken_back(visitor: Visitor, nik: Studio) -> None:
    view = visitor.call("taste", "Nik")["taste-view"]
    assert "You like warm colours." in view and view.count("data-lean=") == 3
    pictures = re.findall(r'src="(/media/taste/events/[^"]+)"', view)
    assert len(pictures) == 4
    assert visitor.http.get(pictures[0]).headers["content-type"] == "image/webp"
    file = re.findall(r'data-do="not" data-id="([^"]+)"', view)[0]
    after = visitor.call("taste_take_back", "Nik", id=file)["taste-view"]
    assert len(re.findall("/media/taste/events/", after)) == 3


def test_a_visitor_who_has_not_chosen_sees_the_first_there_is(visitor: Visitor, nik: Studio) -> None:
    opened = visitor.call("tastes_known", "My taste")
    assert opened["taste-profile"]["value"] == "Nik" and "You like warm colours." in opened["taste-view"]


def test_words_sliders_and_versions(visitor: Visitor, nik: Studio) -> None:
    assert "is-set" in visitor.call("taste_words", "Nik", "cooler")["taste-view"]
    assert nik.tastes.get("Nik").version.number == 3
    visitor.call("taste_lean", "Nik", id="contrast=-0.55")
    assert nik.tastes.get("Nik").version.edits["contrast"] == -0.55
    visitor.call("taste_do", "Nik", id="version/2")
    assert not nik.tastes.get("Nik").version.edits
    with pytest.raises(AssertionError, match="nothing I can change"):
        visitor.call("taste_words", "Nik", "fluffy")


def test_somebody_new_picks_between_pairs(visitor: Visitor, nik: Studio, job_in) -> None:
    shown = visitor.call("taste", "Ana")
    assert "Which one do you like better?" in shown["taste-pair"] and "Nothing is known yet" in shown["taste-view"]
    for number in range(8):
        pair = re.findall(r'data-do="open" data-id="(\d+/\d+)"', shown["taste-pair"])
        assert len(pair) == 2
        address = re.search(r'src="(/media/taste/samples/\d+\.webp)"', shown["taste-pair"])
        assert address and visitor.http.get(address[1]).status_code == 200
        shown = visitor.call("taste_pick", "Ana", id=pair[number % 2])
    assert shown["taste-pair"] == ""
    visitor.wait_for(job_in(shown["taste-view"]))
    assert nik.tastes.get("Ana").version.number == 2


def test_pictures_are_dropped(visitor: Visitor, nik: Studio, job_in) -> None:
    liked = visitor.upload(("a.png", plain((10, 200, 30))), ("notes.txt", b"no picture"))
    begun = visitor.call("taste_learn", "Eva", liked, None)
    job = job_in(begun["taste-view"])
    assert visitor.wait_for(job)["status"] == "done"
    assert "1 picture you like" in visitor.call("taste_learned", "Eva", id=job)["taste-view"]


def test_forgotten_and_exported(visitor: Visitor, nik: Studio) -> None:
    answer = visitor.http.get("/media/taste/nik.json")
    assert answer.json()["name"] == "Nik" and "attachment" in answer.headers["content-disposition"]
    visitor.call("taste_forget", "Nik")
    assert visitor.http.get("/media/taste/nik.json").status_code == 404


def test_sharing_is_a_switch_that_says_what_is_shared(visitor: Visitor, nik: Studio) -> None:
    view = visitor.call("taste", "Nik")["taste-view"]
    assert 'role="switch" aria-checked="false"' in view and 'data-id="share/on"' in view
    assert "No picture, no history, no name." in view and "On since" not in view
    on = visitor.call("taste_do", "Nik", id="share/on")["taste-view"]
    assert 'aria-checked="true"' in on and "Nobody else shares yet." in on and "On since" in on
    liked = [("a.png", lambda: plain((210, 50, 20)))]
    nik.tastes.import_pictures("Ana", liked, [("b.png", lambda: plain((20, 40, 210)))], "anna").result(PATIENCE)
    nik.tastes.share("Ana", True, "anna")
    helped = visitor.call("taste", "Nik")["taste-view"]
    assert "Helped by 1 like-minded person of 1 who share." in helped and "They" in helped and "Ana" not in helped
    off = visitor.call("taste_do", "Nik", id="share/off")["taste-view"]
    assert 'aria-checked="false"' in off and "Helped by" not in off and nik.tastes.lent("Nik") is None
    nik.tastes.forget("Ana", "anna")


def test_reactions_while_browsing(visitor: Visitor, nik: Studio) -> None:
    (picture,) = nik.generation.start(GenerateRequest(prompt="a cat", seed=1)).result(PATIENCE)
    told = {"picture": picture.id, "reaction": "like", "seconds": 3.5}
    assert visitor.http.post("/media/taste/react", json=told).json() == {"said": ["like"]}
    assert nik.tastes.said_of(picture.id) == {Reaction.LIKE}
    assert 'aria-pressed="true"' in visitor.call("picture", id=picture.id)["picture"]
    for wrong in ({**told, "reaction": "adore"}, {**told, "seconds": -1}, {}):
        assert visitor.http.post("/media/taste/react", json=wrong).status_code == 422
    assert visitor.http.post("/media/taste/react", json={**told, "picture": "nothing"}).status_code == 404
    form = visitor.http.post("/media/taste/react", data={"picture": picture.id, "reaction": "like"})
    assert form.status_code == 422  # what another site's page could send


def test_drawn_in_a_taste_beside_the_plain_one(visitor: Visitor, nik: Studio, job_in) -> None:
    values = {
        "prompt": "a cat",
        "count": 4,
        "seed": 7,
        "steps": None,
        "guidance": None,
        "fidelity": 0.7,
        "pose": "both",
        "best_of": 1,
    }
    assert visitor.call("tastes", "")["taste"]["choices"][1:] == [["Nik", "Nik"]]  # as the page asks when it is opened
    begun = visitor.call("draw", *values.values(), "Nik", "clear", "", "", None, "", 0.0)
    job = job_in(begun["stage"])
    assert visitor.wait_for(job)["status"] == "done"
    shown = visitor.call("drawn", id=job)["stage"]
    assert "data-between" in shown and "k-plain" in shown and "Nik likes it with" in shown


DRAWN = ["a cat", 4, 7, None, None, 0.7, "both", 1]  # prompt, count, seed, steps, guidance, fidelity, pose, best of


def finished(visitor: Visitor, job_in, *more) -> str:
    job = job_in(visitor.call("draw", *DRAWN, *more)["stage"])
    assert visitor.wait_for(job)["status"] == "done"
    return visitor.call("drawn", id=job)["stage"]


def test_drawn_like_a_dropped_picture(visitor: Visitor, nik: Studio, job_in) -> None:
    visitor.call("tastes", "")  # as the page asks when it is opened
    (dropped,) = visitor.upload(("a.png", plain((10, 200, 30))))
    chosen = visitor.call("like_picture", "", dropped)
    assert "data:image/webp" in chosen["like-chosen"] and "no taste is chosen" in chosen["like-chosen"]
    assert chosen["taste-share"]["visible"] is False and chosen["amount"]["visible"] is True
    beside = visitor.call("like_picture", "Nik", dropped)
    assert "taste of Nik" in beside["like-chosen"]
    assert (beside["taste-share"]["visible"], beside["taste-share"]["value"]) == (True, 0.5)
    shown = finished(visitor, job_in, "", "clear", "", "", dropped, "", 0.0)
    made = next(one for one in nik.gallery.list() if one.recipe.plain)
    assert made.id in shown and made.recipe.taste_share == 0
    detail = visitor.call("picture", id=made.id)["picture"]
    assert "its look alone" in detail and made.recipe.palette[0] in detail
    assert visitor.http.get(f"/media/pictures/{made.id}/reference.webp").headers["content-type"] == "image/webp"
    again = visitor.call("again", "", id=made.id)
    assert (again["prompt"], again["palette"]) == (made.recipe.prompt, " ".join(made.recipe.palette))
    assert visitor.call("like_no_picture", "Nik")["like-chosen"] == ""


def test_more_like_a_picture_of_the_gallery(visitor: Visitor, nik: Studio, job_in) -> None:
    visitor.call("tastes", "")  # as the page asks when it is opened
    (first,) = nik.generation.start(GenerateRequest(prompt="a boat", seed=1, palette=("#1030ff",))).result(PATIENCE)
    assert 'data-do="alike"' in visitor.call("picture", id=first.id)["picture"]
    chosen = visitor.call("draw_alike", "Nik", id=first.id)
    assert chosen["picture"] == "" and chosen["like-picture"] == first.id and "taste of Nik" in chosen["like-chosen"]
    finished(visitor, job_in, "Nik", "clear", "", "", None, first.id, 0.1)
    made = next(one for one in nik.gallery.list() if one.recipe.plain)
    assert (made.recipe.taste_share, made.recipe.like) == (0.1, first.file)
    nik.gallery.delete(first.id)
    gone = nik.gallery.get(made.id)
    assert "a picture that is deleted" in visitor.call("picture", id=gone.id)["picture"]
    assert visitor.http.get(f"/media/pictures/{gone.id}/reference.webp").status_code == 404


def test_what_cannot_be_drawn_like_is_told(visitor: Visitor, nik: Studio) -> None:
    visitor.call("tastes", "")  # as the page asks when it is opened
    (notes,) = visitor.upload(("notes.png", b"no picture"))
    with pytest.raises(AssertionError, match="not a picture"):
        visitor.call("like_picture", "", notes)
    (dropped,) = visitor.upload(("a.png", plain((10, 200, 30))))
    for more, reason in (
        (("", "clear", "", "", dropped, "", 0.5), "no taste is named"),
        (("Nik", "clear", "", "", None, "", 0.5), "needs a picture"),
        (("", "clear", "", "red", None, "", 0.0), "'red' is no colour"),
    ):
        with pytest.raises(AssertionError, match=reason):
            visitor.call("draw", *DRAWN, *more)
