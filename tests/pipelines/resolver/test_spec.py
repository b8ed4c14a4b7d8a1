from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from pipelines.resolver.errors import InvalidCatalogue, ModelNotFound
from pipelines.resolver.spec import Carrier, Catalogue, HubSource, load_catalogue

MEMBER = {"path": "inside/model.onnx", "size": 10, "sha256": "0" * 64}
CARRIER: dict[str, Any] = {
    "package": "some-package",
    "version": "1.0",
    "archive": "some_package-1.0-py3-none-any.whl",
    "size": 100,
    "sha256": "1" * 64,
    "members": {"model.onnx": MEMBER},
}


def catalogue(**changes: Any) -> dict[str, Any]:
    model = {"purpose": "tests", "licence": "MIT", "entry": "model.onnx", "sources": [{"carrier": CARRIER}]}
    return {"models": {"model": {**model, **changes}}}


def test_the_three_kinds_of_source_keep_their_order() -> None:
    hub = {"hub": "owner/repo", "revision": "abc", "files": {"model.onnx": MEMBER}}
    read = Catalogue.model_validate(catalogue(sources=[hub, {"local": "x"}, {"carrier": CARRIER}]))
    assert [source.label for source in read.get("model").sources] == [
        "hub owner/repo@abc",
        "local x",
        "package some-package==1.0",
    ]
    assert read.get("model").size == 10
    assert isinstance(read.get("model").remotes[0], HubSource)


@pytest.mark.parametrize(
    "target", ["../model.onnx", "/model.onnx", "a/../../model.onnx", "c:\\model.onnx", "a\\m.onnx"]
)
def test_a_name_that_leaves_the_folder_is_refused(target: str) -> None:
    with pytest.raises(ValidationError, match="plain relative path"):
        Carrier.model_validate({**CARRIER, "members": {target: MEMBER}})


@pytest.mark.parametrize("target", ["model.bin", "model.pt", "model.pkl", "setup.py", "model"])
def test_formats_that_can_carry_code_are_refused(target: str) -> None:
    with pytest.raises(ValidationError, match="must end with one of"):
        Carrier.model_validate({**CARRIER, "members": {target: MEMBER}})


@pytest.mark.parametrize("archive", ["some_package-1.0.tar.gz", "some_package-1.0.zip", "sub/p-1.0-py3-none-any.whl"])
def test_only_wheels_carry(archive: str) -> None:
    with pytest.raises(ValidationError, match="not the file name of a wheel"):
        Carrier.model_validate({**CARRIER, "archive": archive})


def test_a_build_number_is_no_tag() -> None:
    assert Carrier.model_validate({**CARRIER, "archive": "p-1.0-39-cp311-abi3-manylinux1_x86_64.whl"}).tags == (
        "cp311",
        "abi3",
        "manylinux1_x86_64",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sources": []}, "at least 1 item"),
        ({"sources": [{"local": "x", "carrier": CARRIER}]}, "exactly one of: local, hub, carrier"),
        ({"sources": [{"url": "https://example.org"}]}, "exactly one of: local, hub, carrier"),
        ({"sources": [{"local": "x", "mode": "fast"}]}, "Extra inputs are not permitted"),
        ({"entry": "other.onnx"}, "not among the files"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"licence": ""}, "at least 1 character"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(catalogue(**changes)))
    with pytest.raises(InvalidCatalogue, match=reason) as raised:
        load_catalogue(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("field", ["sha256", "size", "path"])
def test_every_file_needs_its_checksum_and_size(field: str) -> None:
    carrier = copy.deepcopy(CARRIER)
    del carrier["members"]["model.onnx"][field]
    with pytest.raises(ValidationError, match="Field required"):
        Carrier.model_validate(carrier)


@pytest.mark.parametrize("content", [b"models: [", b"\xff\xfe", b"just words"])
def test_a_file_that_is_no_catalogue(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidCatalogue, match="The model list"):
        load_catalogue(path)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalogue, match="cannot be read: No such file"):
        load_catalogue(tmp_path / "models.yaml")


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(ModelNotFound, match=r"no model named 'modle'; known are model\."):
        Catalogue.model_validate(catalogue()).get("modle")
