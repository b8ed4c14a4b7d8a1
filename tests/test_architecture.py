"""Who may import whom: imports point inwards, and starting the studio loads no model library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "torchvision", "diffusers", "transformers", "peft", "accelerate", "open_clip", "onnxruntime")
CONCRETE = (
    *("studio.engines.image", "studio.engines.hub", "studio.engines.subjects", "studio.engines.recognition"),
    *("studio.engines.fake", "studio.engines.lora_files", "studio.engines.assistant", "studio.engines.refining"),
    *("studio.engines.taste", "studio.engines.fake_taste", "studio.engines.meters", "studio.engines.styles"),
)
# Translating a request into a pipeline call is an engine's work; the two others look after models and devices.
MAY_IMPORT_PIPELINES = (*CONCRETE, "studio.doctor", "studio.cli.models")

# package → what nothing in it may import, not even inside a function
FORBIDDEN = {
    "pipelines": ("studio", "gradio", "sqlalchemy", "typer"),
    "studio.errors": ("studio", "pipelines", "gradio", *HEAVY),
    "studio.domain": (
        *("studio.engines", "studio.services", "studio.storage", "studio.ui", "studio.cli", "studio.bootstrap"),
        *("pipelines", "gradio", "sqlalchemy", "fsspec", "yaml", "pydantic", *HEAVY),
    ),
    "studio.engines.base": ("studio.services", "studio.storage", "studio.ui", "pipelines", "gradio", *HEAVY),
    "studio.engines": ("studio.services", "studio.storage", "studio.ui", "studio.cli", "studio.bootstrap", "gradio"),
    "studio.packs": (
        *("studio.engines", "studio.services", "studio.storage", "studio.ui", "studio.cli", "studio.bootstrap"),
        *("pipelines", "gradio", *HEAVY),
    ),
    "studio.posters": (
        *("studio.engines", "studio.services", "studio.storage", "studio.ui", "studio.cli", "studio.bootstrap"),
        *("pipelines", "gradio", *HEAVY),
    ),
    "studio.services": (
        *("studio.ui", "studio.cli", "studio.bootstrap", "studio.engines.registry", *CONCRETE),
        *("pipelines", "gradio", *HEAVY),
    ),
    "studio.storage": ("studio.services", "studio.ui", "studio.cli", "studio.bootstrap", "pipelines", "gradio", *HEAVY),
    "studio.ui": ("studio.storage.database", "studio.storage.models", "studio.engines.registry", "pipelines", *HEAVY),
    "studio.cli": ("gradio", *HEAVY),
}


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    files = [ROOT / "app.py", *ROOT.glob("studio/**/*.py"), *ROOT.glob("pipelines/**/*.py")]
    found = {}
    for file in files:
        if file.is_file():
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def imports(file: Path) -> Iterator[str]:
    """Every absolute name a file imports, anywhere in it, those only for type checking included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: relative import"
            # `from studio import errors` imports studio.errors
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(package: str, *, but: Callable[[str], bool] = lambda module: False) -> list[str]:
    """Modules that import `package` or a part of it, except those that `but` lets pass."""
    return [
        module
        for module, file in MODULES.items()
        if not but(module) and any(within(name, package) for name in imports(file))
    ]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_imports_point_inwards() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, file in MODULES.items()
        for package, bads in FORBIDDEN.items()
        if within(module, package)
        for name in imports(file)
        if any(within(name, bad) for bad in bads)
    ]
    assert not wrong


def test_gradio_stays_in_the_pages() -> None:
    assert not importers_of("gradio", but=lambda module: within(module, "studio.ui") or module == "app")


def test_only_engines_know_pipelines() -> None:
    known = (*MAY_IMPORT_PIPELINES, "pipelines")
    # `studio` itself names the package alone, which says how threads wait before anything loads torch
    assert importers_of("pipelines", but=lambda module: any(within(module, name) for name in known)) == ["studio"]


def test_concrete_engines_are_named_in_the_registry_only() -> None:
    assert not [module for engine in CONCRETE for module in importers_of(engine, but=CONCRETE.__contains__)]


def test_no_format_that_can_carry_code() -> None:
    assert not [module for name in ("pickle", "joblib", "dill") for module in importers_of(name)]
    calls = (
        (module, node)
        for module, file in MODULES.items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    )
    for module, call in calls:
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert keywords.get("weights_only") == "True", f"{module}:{call.lineno}: torch.load without weights_only"


@pytest.mark.parametrize("source", ["import gradio", "from studio.services import jobs", "def f():\n    import torch"])
def test_the_walk_sees_every_way_to_import(source: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(source)
    assert set(imports(file)) <= {"gradio", "studio.services.jobs", "torch"}
    assert set(imports(file))


@pytest.mark.parametrize("start", ["studio.ui.app", "studio.bootstrap", "studio.cli.app"])
def test_start_loads_no_model_library(start: str) -> None:
    loaded = loaded_after(start)
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("start", ["studio.bootstrap", "studio.cli.app"])
def test_the_services_start_without_gradio(start: str) -> None:
    assert "gradio" not in loaded_after(start)


def loaded_after(module: str) -> set[str]:
    """Top-level packages that importing `module` in a fresh interpreter brings in."""
    code = f"import sys, {module}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
