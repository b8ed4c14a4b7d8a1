"""`doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

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
        ("engines", f"image {found.engines[0]}, subject {found.engines[1]}"),
        ("data", f"{found.data_dir}, {size(found.free_bytes)} free"),
        ("models", found.models_dir),
    )
    lines = [f"{name:<11}{value}" for name, value in facts]
    lines += [line for model in found.models for line in _model_lines(model)]
    if not found.problems:
        lines.append("Everything needed is here.")
    return "\n".join(lines)


def _model_lines(model: ModelState) -> list[str]:
    state = f"{size(model.size)}, {model.source}" if model.present else f"missing; would come from {model.source}"
    return [f"  {model.name:<13}{state}", *(f"{'':<15}{file} sha256 {digest}" for file, digest in model.sha256)]
