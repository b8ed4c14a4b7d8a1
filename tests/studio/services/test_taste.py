from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from PIL import Image

from studio.domain.generation import GenerateRequest, Picture
from studio.domain.taste import FIRST_NAME, Reaction, TasteHelp
from studio.errors import InvalidInput, NameTaken, NotFound
from studio.studio import Studio

PATIENCE = 60.0
Files = list[tuple[str, Callable[[], bytes]]]


def plain(colour: tuple[int, int, int], mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def files(*contents: bytes) -> Files:
    return [(f"{number}.png", lambda data=data: data) for number, data in enumerate(contents)]


REDS = [plain((170 + 20 * n, 30, 20)) for n in range(4)]
BLUES = [plain((20, 30, 170 + 20 * n)) for n in range(4)]


@pytest.fixture
def drawn(studio: Studio) -> tuple[Picture, ...]:
    return studio.generation.start(GenerateRequest(prompt="a cat", count=3, seed=1)).result(PATIENCE)


@pytest.fixture
def nik(studio: Studio) -> Studio:
    """Somebody who likes red."""
    studio.tastes.import_pictures("Nik", files(*REDS), files(*BLUES)).result(PATIENCE)
    return studio


def test_a_folder_is_learned_and_scored(nik: Studio) -> None:
    profile = nik.tastes.get("nik")
    assert profile.version.number == 2 and "4 liked, 4 not liked" in profile.version.why
    assert nik.tastes.in_words(profile) == "You like warm colours."
    red, blue = nik.tastes.score("Nik", [REDS[0], BLUES[0]]).result(PATIENCE)
    assert red.probability > 0.8 and blue.probability < 0.2
    assert red.reasons[0].words == "warm colours" and red.reasons[0].weight > 0


def test_looks_are_made_once(nik: Studio) -> None:
    before = {event.look for event in nik.tastes.events("Nik")}
    nik.tastes.learn("Nik").result(PATIENCE)
    assert None not in before and {event.look for event in nik.tastes.events("Nik")} == before


def test_files_that_cannot_be_used_are_said_and_the_others_count(studio: Studio) -> None:
    def gone() -> bytes:
        raise PermissionError(13, "Permission denied")

    given = [*files(*REDS), ("notes.txt", lambda: b"no picture"), ("secret.png", gone)]
    came = studio.tastes.import_pictures("Nik", given).result(PATIENCE)
    assert came.liked == 4 and [line.split(":")[0] for line in came.left_out] == ["notes.txt", "secret.png"]
    with pytest.raises(InvalidInput, match="None of the 1 files is a picture"):
        studio.tastes.import_pictures("Ana", [("notes.txt", lambda: b"no")]).result(PATIENCE)
    with pytest.raises(InvalidInput, match="no picture in what was given"):
        studio.tastes.import_pictures("Ana", [])
    with pytest.raises(InvalidInput, match="too many at once"):
        studio.tastes.import_pictures("Ana", files(*REDS) * 300)


def test_a_picture_both_liked_and_skipped_counts_for_neither_and_is_said(studio: Studio) -> None:
    came = studio.tastes.import_pictures("Nik", files(*REDS), files(REDS[0], *BLUES)).result(PATIENCE)
    summary = came.profile.version.summary
    assert (summary.liked, summary.others, summary.contradictions, summary.undecided) == (3, 4, 1, 1)


def test_an_unknown_and_an_empty_profile_are_clear_sentences(studio: Studio) -> None:
    with pytest.raises(NotFound, match=r"no taste called 'Nik'. There are: none yet"):
        studio.tastes.get("Nik")
    studio.tastes.create("Nik")
    with pytest.raises(InvalidInput, match="Nik has nothing to learn from yet"):
        studio.tastes.learn("Nik")
    with pytest.raises(InvalidInput, match="Nik knows nothing yet"):
        studio.tastes.judge("Nik")
    with pytest.raises(NameTaken, match="'nik' already"):
        studio.tastes.create("nik")


def test_words_and_numbers_make_versions_and_go_back(nik: Studio) -> None:
    edited = nik.tastes.edit("Nik", {"brightness": -0.4}, words="cool colours, much more contrast")
    assert edited.version.number == 3
    assert edited.version.edits == pytest.approx({"brightness": -0.4, "warmth": 0.5, "contrast": 1.0})
    assert edited.version.leanings["warmth"] == pytest.approx(0.5)
    back = nik.tastes.revert("Nik", 2)
    assert back.version.number == 4 and not back.version.edits and back.version.why == "as in version 2"
    assert [version.number for version in nik.tastes.versions("Nik")] == [4, 3, 2, 1]
    assert not nik.tastes.forget_edits("Nik").version.edits
    with pytest.raises(NotFound, match="no version 9"):
        nik.tastes.revert("Nik", 9)
    with pytest.raises(InvalidInput, match="no attribute"):
        nik.tastes.edit("Nik", {"fluff": 1})
    with pytest.raises(InvalidInput, match="Nothing was said"):
        nik.tastes.edit("Nik")


def test_what_is_only_said_counts_too(studio: Studio) -> None:
    studio.tastes.create("Ana")
    studio.tastes.edit("Ana", words="much more warm")
    red, blue = studio.tastes.score("Ana", [REDS[0], BLUES[0]]).result(PATIENCE)
    assert red.probability > blue.probability


def test_reactions_while_browsing_begin_a_profile(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    first = drawn[0].id
    assert studio.tastes.react(first, Reaction.LIKE) == {Reaction.LIKE}
    assert [profile.name for profile in studio.tastes.list()] == [FIRST_NAME]
    assert studio.gallery.get(first).liked is True
    assert studio.tastes.react(first, Reaction.SKIP, seconds=2.0) == {Reaction.SKIP}
    assert studio.gallery.get(first).liked is False
    assert studio.tastes.react(first, Reaction.SKIP) == frozenset()
    assert studio.gallery.get(first).liked is None
    studio.tastes.react(drawn[1].id, Reaction.MORE)
    studio.tastes.react(drawn[1].id, Reaction.LOOK, seconds=9.0)
    assert studio.tastes.said_of(drawn[1].id) == {Reaction.MORE, Reaction.LOOK}
    with pytest.raises(NotFound, match="no picture"):
        studio.tastes.react("nothing", Reaction.LIKE)


def test_hidden_pictures_leave_the_gallery_until_that_is_taken_back(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    studio.tastes.react(drawn[0].id, Reaction.HIDE)
    assert drawn[0].id not in [picture.id for picture in studio.gallery.list()]
    studio.tastes.take_back(FIRST_NAME, drawn[0].file)
    assert drawn[0].id in [picture.id for picture in studio.gallery.list()]
    with pytest.raises(NotFound, match="Nothing was said"):
        studio.tastes.take_back(FIRST_NAME, drawn[0].file)


def test_a_deleted_picture_takes_what_was_said_of_it_along(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    studio.tastes.react(drawn[0].id, Reaction.LIKE)
    studio.gallery.delete(drawn[0].id)
    assert not studio.tastes.events(FIRST_NAME) and not studio.files.exists(drawn[0].file)


def test_forgetting_deletes_the_pictures_but_not_those_of_the_gallery(nik: Studio, drawn: tuple[Picture, ...]) -> None:
    nik.tastes.react(drawn[0].id, Reaction.LIKE)
    kept = [event.file for event in nik.tastes.events("Nik") if event.picture_id is None]
    assert all(nik.files.exists(file) for file in kept)
    nik.tastes.forget("Nik")
    assert not nik.tastes.list() and not any(nik.files.exists(file) for file in kept)
    assert nik.files.exists(drawn[0].file)


def test_owners_do_not_see_each_other(nik: Studio, drawn: tuple[Picture, ...]) -> None:
    assert not nik.tastes.list("somebody else")
    with pytest.raises(NotFound):
        nik.tastes.get("Nik", "somebody else")
    with pytest.raises(NotFound):
        nik.tastes.react(drawn[0].id, Reaction.LIKE, owner="somebody else")
    event = nik.tastes.events("Nik")[0]
    assert nik.tastes.thumbnail(event.id, 64)
    with pytest.raises(NotFound):
        nik.tastes.thumbnail(event.id, 64, "somebody else")


def test_one_profile_collects(nik: Studio, drawn: tuple[Picture, ...]) -> None:
    nik.tastes.create("Ana")
    assert nik.tastes.collecting().name == "Nik"
    nik.tastes.collect_into("Ana")
    nik.tastes.react(drawn[0].id, Reaction.LIKE)
    assert len(nik.tastes.events("Ana")) == 1 and [one.collecting for one in nik.tastes.list()] == [False, True]


def test_export_holds_everything_but_pictures(nik: Studio) -> None:
    told = json.loads(nik.tastes.export("Nik"))
    assert told["name"] == "Nik" and len(told["events"]) == 8 and len(told["versions"]) == 2
    assert {event["reaction"] for event in told["events"]} == {"like", "skip"}


def test_transparency_is_kept(studio: Studio) -> None:
    data = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(data, "PNG")
    studio.tastes.import_pictures("Nik", files(data.getvalue())).result(PATIENCE)
    (event,) = studio.tastes.events("Nik")
    with Image.open(io.BytesIO(studio.files.get(event.file))) as kept:
        assert kept.mode == "RGBA"


def weights_of(studio: Studio, name: str, owner: str = "local") -> list[float]:
    """What a taste says of a red and of a blue picture."""
    verdicts = studio.tastes.score(name, [REDS[0], BLUES[0]], owner).result(PATIENCE)
    return [verdict.preference for verdict in verdicts]


@pytest.fixture
def three(nik: Studio) -> Studio:
    """Nik; Ana, who likes red too and lives elsewhere; Tom, who likes blue. Nobody shares."""
    nik.tastes.import_pictures("Ana", files(*REDS[:2]), files(BLUES[3]), "anna").result(PATIENCE)
    nik.tastes.import_pictures("Tom", files(*BLUES), files(*REDS), "tom").result(PATIENCE)
    return nik


def test_without_consent_of_both_everything_is_as_it_was(three: Studio) -> None:
    alone, of_ana = weights_of(three, "Nik"), weights_of(three, "Ana", "anna")
    assert three.tastes.get("Nik").sharing_since is None and three.tastes.help("Nik") == TasteHelp()
    assert three.tastes.share("Nik", True).sharing_since is not None
    assert weights_of(three, "Nik") == alone and weights_of(three, "Ana", "anna") == of_ana
    assert three.tastes.help("Ana", "anna") == TasteHelp()
    three.tastes.share("Nik", False)
    three.tastes.share("Ana", True, "anna")
    assert weights_of(three, "Nik") == alone and weights_of(three, "Ana", "anna") == of_ana


def test_with_both_consents_the_like_minded_help_and_the_others_do_not(three: Studio) -> None:
    alone = weights_of(three, "Ana", "anna")
    for name, owner in (("Nik", "local"), ("Ana", "anna"), ("Tom", "tom")):
        three.tastes.share(name, True, owner)
    help = three.tastes.help("Ana", "anna")
    assert (help.people, help.sharing) == (1, 2) and any(help.leanings.values())
    assert weights_of(three, "Ana", "anna") != alone
    three.tastes.edit("Ana", {"warmth": 0.9}, owner="anna")
    assert "warmth" not in three.tastes.help("Ana", "anna").leanings  # what she sets herself nobody moves


@pytest.mark.parametrize("end", ["the helper withdraws", "the helped withdraws", "the helper is forgotten"])
def test_withdrawn_is_at_once_as_before_and_nothing_is_kept(three: Studio, end: str) -> None:
    alone = weights_of(three, "Ana", "anna")
    judge = three.tastes.judge("Ana", "anna")  # a drawing that goes on meanwhile
    before = three.tastes.get("Ana", "anna").version
    three.tastes.share("Nik", True)
    three.tastes.share("Ana", True, "anna")
    assert three.tastes.lent("Nik") is not None and weights_of(three, "Ana", "anna") != alone
    seen = [Image.new("RGB", (64, 64), (170, 30, 20))]
    with_help = judge(seen)
    if end == "the helper withdraws":
        assert three.tastes.share("Nik", False).sharing_since is None
        assert three.tastes.lent("Nik") is None
    elif end == "the helped withdraws":
        three.tastes.share("Ana", False, "anna")
    else:
        three.tastes.forget("Nik")
    assert weights_of(three, "Ana", "anna") == alone and three.tastes.help("Ana", "anna").people == 0
    assert judge(seen) != with_help
    assert three.tastes.get("Ana", "anna").version == before


def test_what_is_lent_follows_what_is_learned_and_only_with_consent(nik: Studio) -> None:
    assert nik.tastes.lent("Nik") is None
    nik.tastes.share("Nik", True)
    first = nik.tastes.lent("Nik")
    assert first is not None and set(first) == {"warmth", "brightness", "contrast"}
    nik.tastes.edit("Nik", {"warmth": -0.5})
    assert nik.tastes.lent("Nik") == {**first, "warmth": -0.5} and first["warmth"] > 0
    nik.tastes.revert("Nik", 2)
    assert nik.tastes.lent("Nik") == first
    nik.tastes.share("Nik", False)
    nik.tastes.edit("Nik", words="cool colours")
    assert nik.tastes.lent("Nik") is None


def test_consent_keeps_its_first_date_and_a_new_one_has_a_new_date(nik: Studio) -> None:
    first = nik.tastes.share("Nik", True).sharing_since
    assert nik.tastes.share("Nik", True).sharing_since == first == nik.tastes.get("Nik").sharing_since
    nik.tastes.share("Nik", False)
    again = nik.tastes.share("Nik", True).sharing_since
    assert first is not None and again is not None and again > first


def test_somebody_who_has_learned_nothing_lends_nothing(nik: Studio) -> None:
    nik.tastes.create("Eva")
    nik.tastes.share("Eva", True)
    nik.tastes.share("Nik", True)
    assert nik.tastes.lent("Eva") is None and nik.tastes.help("Nik") == TasteHelp()
    assert nik.tastes.help("Eva") == TasteHelp(sharing=1)


def test_export_tells_the_consent_and_all_that_is_lent(nik: Studio) -> None:
    assert json.loads(nik.tastes.export("Nik"))["sharing"] == {"since": None, "lent": None}
    since = nik.tastes.share("Nik", True).sharing_since
    told = json.loads(nik.tastes.export("Nik"))["sharing"]
    assert since is not None and told == {"since": since.isoformat(), "lent": nik.tastes.lent("Nik")}


def test_nobody_shares_or_withdraws_for_somebody_else(nik: Studio) -> None:
    with pytest.raises(NotFound):
        nik.tastes.share("Nik", True, "somebody else")
    with pytest.raises(NotFound):
        nik.tastes.help("Nik", "somebody else")
