from __future__ import annotations

from pathlib import Path

from pipelines.assistant.vlm.depicted import Corpus, beside, chosen
from tests.pipelines.assistant.vlm.tiny_vlm import write_corpus


def test_a_record_says_what_its_picture_shows(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    corpus = Corpus(tmp_path)
    fox = corpus.drawn("scenes", 0, row=5).shows
    assert (fox.row, fox.kind, fox.colours) == (5, "fox", ("red",))  # its colours are those of the fox drawn alone
    assert (fox.wearing, fox.company, fox.place) == ("top hat", "birthday cake", "at the beach")
    assert fox.box == (0.1, 0.2, 0.6, 0.9)
    owl = corpus.drawn("identities", 1, row=0).shows
    assert (owl.kind, owl.colours, owl.riding, owl.place) == ("owl", ("blue",), "sled", "on a pink background")
    assert corpus.drawn("index", 0, row=0).shows.kind == "fox"


def test_a_caption_tells_what_is_beside_its_subject() -> None:
    assert beside("three foxes in space, soft style", "fox")["count"] == 3
    said = beside("a cat and a cat", "cat")
    assert said["company"] == "cat" and not said["wearing"] and "count" not in said
    assert beside("a face with monocle", "face with monocle")["company"] == ""


def test_pictures_are_chosen_by_split_and_spread_over_kinds(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    corpus = Corpus(tmp_path)
    counts = {"index": 2, "scenes": 1, "identities": 1}
    first, again = (list(chosen(corpus, counts, "train", seed=3)) for _ in range(2))
    assert first == again and [one.shows.row for one in first] == [0, 1, 2, 3]
    assert {one.shows.kind for one in first[:2]} == {"fox", "owl"}
    assert [one.shows.kind for one in chosen(corpus, counts, "test", seed=3)] == ["mug"]
    assert {one.shows.kind for one in chosen(corpus, counts, "train", seed=3, kinds=("owl",))} == {"owl"}
    assert corpus.kinds(("animals",)) == ["fox", "owl"] and corpus.kinds(("food",)) == []
