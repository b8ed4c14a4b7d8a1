"""`doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import typer

from studio.cli.console import AsJson, plain, size, tell
from studio.doctor import Diagnosis, ModelState, diagnose


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check this machine, the models and the disk; ends with 1 if something needed is missing."""
    found = diagnose(context.obj.load())
    record = asdict(found)
    for model in record["models"]:
        model["sha256"] = dict(model["sha256"])
    tell(plain(record), _report(found), as_json=as_json)
    if found.problems:
        for problem in found.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(1)


def _report(found: Diagnosis) -> str:
    compute = found.compute
    facts = (
        ("keepsake", found.version),
        ("python", f"{found.python} on {found.platform}, {found.cores} cores"),
        ("torch", compute.torch),
        ("device", f"{compute.device} ({compute.device_name}), {compute.dtype}"),
        ("attention", f"{compute.attention}: {compute.attention_reason}"),
        *((f"{engine.role} engine", f"{engine.name}{_options(engine.options)}") for engine in found.engines),
        ("data", f"{found.data_dir}, {size(found.free_bytes)} free"),
        *([("records", found.records)] if found.records else []),
        ("models", found.models_dir),
    )
    lines = [f"{name:<16}{value}" for name, value in facts]
    lines += [line for model in found.models for line in _model_lines(model)]
    if not found.problems:
        lines.append("Everything needed is here.")
    return "\n".join(lines)


def _options(options: Mapping[str, object]) -> str:
    return f" ({', '.join(f'{name} {value}' for name, value in options.items())})" if options else ""


def _model_lines(model: ModelState) -> list[str]:
    state = f"{size(model.size)}, {model.source}" if model.present else f"missing; would come from {model.source}"
    use = f"for {' and '.join(model.needed_by)}" if model.needed_by else "not used by this configuration"
    return [f"  {model.name:<13}{state}; {use}", *(f"{'':<15}{file} sha256 {digest}" for file, digest in model.sha256)]
