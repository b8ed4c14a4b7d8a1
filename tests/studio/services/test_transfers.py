from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load, save

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest, Concept, FactSource
from studio.errors import ConsentMissing, InvalidCard, NameTaken, UnknownConcept
from studio.services.personalization import Personalizer
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


def add(studio: Studio, name: str, *photos: bytes, **values: object) -> Concept:
    request = AddConceptRequest(name=name, photos=photos, **{"kind": "dog", **values})  # type: ignore[arg-type]
    return studio.concepts.add(request).result(PATIENCE)


def import_(studio: Studio, data: bytes, **values: Any) -> Concept:
    return studio.transfers.import_(data, **values).result(PATIENCE)


@pytest.fixture
def bo(studio: Studio, photo: Photos) -> Concept:
    add(studio, "Ana", photo(9), kind="girl", consent=True)
    bo = add(studio, "Bo", photo(1), photo(2), facts=("likes rain",), aliases=("Bobby",))
    (seen,) = studio.recognition.look([photo(1, format="PNG")]).result(PATIENCE)
    studio.recognition.refuse(seen, 0)
    return studio.concepts.edit(bo.id, relations=["belongs to Ana"], attributes="one white paw")


@pytest.fixture
def other(fake_config: StudioConfig, tmp_path: Path) -> Any:
    """Another studio, of which nothing is known."""
    built = build_studio(fake_config.model_copy(update={"data_dir": tmp_path / "other"}))
    yield built
    built.close()


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """Return the zip after `change` to its contents."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, bytes]], None]:
    def apply(contents: dict[str, bytes]) -> None:
        values = json.loads(contents["manifest.json"])
        change(values)
        contents["manifest.json"] = json.dumps(values).encode()

    return apply


def png(size: tuple[int, int], mode: str = "RGBA") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


class TestRoundTrip:
    def test_all_of_it_arrives_and_is_recognised(
        self, studio: Studio, other: Studio, bo: Concept, photo: Photos
    ) -> None:
        file = studio.transfers.export("bobby")
        assert file.name == "bo.zip" and studio.transfers.export(bo.id) == file
        came = import_(other, file.data)
        assert (came.name, came.kind, came.aliases, came.attributes) == ("Bo", "dog", ("Bobby",), "one white paw")
        assert [(one.width, one.height, one.box) for one in came.photos] == [
            (one.width, one.height, one.box) for one in bo.photos
        ]
        # Ana is not known there, so what she is to Bo is kept as a fact.
        assert [(fact.text, fact.source) for fact in came.facts] == [
            ("likes rain", FactSource.IMPORTED), ("belongs to Ana", FactSource.IMPORTED),
        ]  # fmt: skip
        assert came.facts[0].added_at == bo.facts[0].added_at
        assert other.files.get(came.adapter or "") == studio.files.get(bo.adapter or "")
        assert [one.shows_it for one in other.recognition.examples(came.id)] == [False]
        (found,) = other.recognition.answer(other.recognition.look([photo(2)]).result(PATIENCE))
        assert found.concepts == ("Bo",)

    def test_a_name_that_is_taken_needs_another(self, studio: Studio, bo: Concept) -> None:
        data = studio.transfers.export(bo.id).data
        with pytest.raises(NameTaken, match="--as NAME"):
            studio.transfers.import_(data)
        came = import_(studio, data, name="Rex")
        assert (came.name, came.aliases, [str(one) for one in came.relations]) == ("Rex", (), ["belongs to Ana"])

    def test_a_lora_of_another_model_is_predicted_anew(
        self, studio: Studio, other: Studio, bo: Concept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = studio.transfers.export(bo.id).data
        monkeypatch.setattr(Personalizer, "model", lambda personalizer: "fake-2")
        came = import_(other, data)
        assert came.adapter_model == "fake-2" and other.files.get(came.adapter or "")

    def test_the_lora_of_the_same_model_is_the_one_in_the_file(
        self, studio: Studio, other: Studio, bo: Concept
    ) -> None:
        def halve(contents: dict[str, bytes]) -> None:
            tensors = load(contents["lora.safetensors"])
            contents["lora.safetensors"] = save({name: tensor / np.float16(2) for name, tensor in tensors.items()})

        data = rewritten(studio.transfers.export(bo.id).data, halve)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert other.files.get(import_(other, data).adapter or "") == archive.read("lora.safetensors")

    def test_nobody_exports_the_things_of_others_or_a_person_unasked(self, studio: Studio, photo: Photos) -> None:
        anna = add(studio, "Bo", photo(1), owner="anna")
        with pytest.raises(UnknownConcept):
            studio.transfers.export(anna.id)
        tom = add(studio, "Tom", photo(1), kind="man")
        with pytest.raises(ConsentMissing, match="Tom is a person"):
            studio.transfers.export(tom.id)
        consented = studio.concepts.edit(tom.id, consent=True)
        came = import_(studio, studio.transfers.export(tom.id).data, name="Thomas")
        assert came.consent_at == consented.consent_at is not None


BOX = {"file": "photos/1.jpg", "cutout": "cutouts/1.png", "box": [0, 0, 4000, 1]}
LONG = {"text": "x" * 501, "added_at": "2026-01-01T00:00:00Z", "source": "said"}
NAN = save({"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight": np.ones((1, 1), np.float16)})


class TestBadFiles:
    @pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04" + bytes(100)])
    def test_no_zip_at_all(self, studio: Studio, data: bytes) -> None:
        with pytest.raises(InvalidCard, match="not a zip"):
            studio.transfers.import_(data)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda c: c.update({"../../x.sh": b"rm"}), "does not belong"),
            (lambda c: c.update({"/etc/passwd": b"rm"}), "does not belong"),
            (lambda c: c.update({"photos/0001.jpg": b"rm"}), "does not belong"),
            (lambda c: c.update({"lora.pkl": b"rm"}), "does not belong"),
            (lambda c: c.update({"photos/7.jpg": c["photos/1.jpg"]}), "does not name"),
            (lambda c: c.pop("photos/2.jpg"), "lacks photos/2.jpg"),
            (lambda c: c.pop("manifest.json"), "no manifest.json"),
            (lambda c: c.update({"manifest.json": b"[]"}), "not one of a concept"),
            (lambda c: c.update({"manifest.json": b" " * 2_000_000}), "2 MB unpacked"),
            (lambda c: c.update({"photos/1.jpg": bytes(60_000_000)}), "60 MB unpacked"),
            (lambda c: c.update({"photos/1.jpg": b"nothing"}), "photos/1.jpg of the file: The file is not a picture"),
            (lambda c: c.update({"photos/1.jpg": png((9000, 9000), "1")}), "81|9000 × 9000"),
            (lambda c: c.update({"cutouts/1.png": b"nothing"}), "not a picture"),
            (lambda c: c.update({"cutouts/1.png": c["photos/1.jpg"]}), "no PNG"),
            (lambda c: c.update({"cutouts/1.png": png((9, 9))}), "nothing on it"),
            (lambda c: c.update({"lora.safetensors": b"\x80\x04pickle"}), "LoRA is not a safetensors"),
            (lambda c: c.update({"lora.safetensors": NAN}), "does not fit the model"),
            (manifest(lambda m: m.update(version=2)), "version 2; this Keepsake reads version 1"),
            (manifest(lambda m: m.update(extra=1)), "wrong at 'extra'"),
            (manifest(lambda m: m.update(name=7)), "wrong at 'name'"),
            (manifest(lambda m: m.update(name="../x")), "cannot be imported: The name"),
            (manifest(lambda m: m.update(photos=[])), "wrong at 'photos'"),
            (manifest(lambda m: m["photos"].append(m["photos"][0])), "names a file twice"),
            (manifest(lambda m: m["photos"].__setitem__(0, BOX)), "box of photos/1.jpg"),
            (manifest(lambda m: m.update(facts=[LONG])),
             "cannot be imported"),
            (manifest(lambda m: m.update(created_at="yesterday")), "wrong at 'created_at'"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_and_nothing_is_kept(
        self, studio: Studio, other: Studio, bo: Concept, change: Callable[[dict[str, bytes]], object], sentence: str
    ) -> None:
        data = rewritten(studio.transfers.export(bo.id).data, change)
        with pytest.raises(InvalidCard, match=sentence):
            import_(other, data)
        assert other.concepts.list() == [] and list(other.files.keys()) == []

    def test_an_entry_that_lies_about_its_size(self, studio: Studio, bo: Concept, other: Studio) -> None:
        data = bytearray(rewritten(studio.transfers.export(bo.id).data, lambda c: c))
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            size = archive.getinfo("photos/1.jpg").file_size
        lied = bytes(data).replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
        assert lied != bytes(data)
        with pytest.raises(InvalidCard):
            import_(other, lied)
        assert other.concepts.list() == []

    def test_an_encrypted_entry(self, studio: Studio, bo: Concept, other: Studio) -> None:
        data = rewritten(studio.transfers.export(bo.id).data, lambda c: c)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            place = archive.getinfo("photos/1.jpg")
        marked = bytearray(data)
        at = data.index(b"photos/1.jpg", place.header_offset + 40)  # in the list at the end
        marked[at - 38] |= 1
        with pytest.raises(InvalidCard, match="encrypted"):
            import_(other, bytes(marked))

    def test_nothing_but_pixels_comes_along(self, studio: Studio, bo: Concept, other: Studio) -> None:
        def smuggle(contents: dict[str, bytes]) -> None:
            with Image.open(io.BytesIO(contents["photos/1.jpg"])) as photo:
                buffer = io.BytesIO()
                photo.save(buffer, "JPEG", comment=b"at home")
            contents["photos/1.jpg"] = buffer.getvalue() + b"and more"

        came = import_(other, rewritten(studio.transfers.export(bo.id).data, smuggle))
        kept = other.files.get(came.photos[0].file)
        assert b"at home" not in kept and b"and more" not in kept
