from __future__ import annotations

from pathlib import Path

import pytest

from studio.config import ROOT, StudioConfig, load_config
from studio.engines.registry import IMAGE_ENGINES, SUBJECT_ENGINES
from studio.errors import InvalidInput


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in (*StudioConfig.model_fields, "config", "engines__image__name"):
        monkeypatch.delenv(f"KEEPSAKE_{field.upper()}", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "studio.yaml"
    path.write_text("port: 1\nengines:\n  image: {name: fake, options: {size: 64, steps: 2}}\n")
    return path


@pytest.mark.parametrize("shipped", sorted((ROOT / "configs").glob("studio*.yaml")), ids=lambda path: path.name)
def test_every_shipped_configuration_loads_and_names_known_engines(shipped: Path) -> None:
    config = load_config(shipped)
    IMAGE_ENGINES.check(config.engines.image.name)
    SUBJECT_ENGINES.check(config.engines.subject.name)
    assert config.host == "127.0.0.1"
    assert config.data_dir.is_relative_to(ROOT)


def test_the_default_file_is_the_shipped_one() -> None:
    assert load_config() == load_config(ROOT / "configs" / "studio.yaml")


def test_file_then_environment_then_caller(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_config(file).port == 1
    monkeypatch.setenv("KEEPSAKE_PORT", "2")
    assert load_config(file).port == 2
    assert load_config(file, port=3, host=None).port == 3
    assert load_config(file).host == "127.0.0.1"


def test_nested_values_are_merged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_ENGINES__SUBJECT__NAME", "fake")
    engines = load_config(file, engines={"image": {"options": {"steps": 5}}}).engines
    assert engines.subject.name == "fake"
    assert engines.image.options == {"size": 64, "steps": 5}


def test_the_environment_may_name_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_CONFIG", str(file))
    assert load_config().port == 1


def test_relative_folders_belong_to_the_project_or_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "studio.yaml"
    file.write_text("data_dir: here\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(file).data_dir == ROOT / "here"
    assert load_config(file, data_dir="there").data_dir == tmp_path / "there"
    assert load_config(file, data_dir=Path("/there")).data_dir == Path("/there")


def test_records_and_files_are_in_the_data_folder_unless_said(tmp_path: Path) -> None:
    assert StudioConfig(data_dir=tmp_path).records == f"sqlite:///{tmp_path}/keepsake.sqlite3"
    assert StudioConfig(data_dir=tmp_path).files == f"{tmp_path}/files"
    assert StudioConfig(database_url="sqlite:///x").records == "sqlite:///x"
    assert StudioConfig(files_url="memory://x").files == "memory://x"


def test_a_foreign_variable_is_passed_over_with_a_warning(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KEEPSAKE_PROT", "2")
    assert load_config(file).port == 1
    assert "KEEPSAKE_PROT" in caplog.text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot: 1", "prot"),
        ("port: many", "'port'.*'many'"),
        ("port: 70000", "70000"),
        ("engines: {image: {nmae: fake}}", r"engines\.image\.name"),
        ("- a list", "list"),
        ("{", "YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_setting_and_its_value(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "studio.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=named):
        load_config(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing"):
        load_config(tmp_path / "nothing.yaml")


def test_an_unknown_override_is_refused() -> None:
    with pytest.raises(InvalidInput, match="colour"):
        load_config(colour="red")
