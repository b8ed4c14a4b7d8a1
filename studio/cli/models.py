"""`models`: fetch, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studio.cli.console import AsJson, ProgressLine, plain, size, table, tell
from studio.errors import ModelMissing

if TYPE_CHECKING:
    from pipelines.resolver.progress import ModelProgress

app = typer.Typer(help="The models the studio uses.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """The models the studio uses."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("fetch")
def fetch(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAMES...]", help="All, if none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download the models that are not on this machine yet, and check them."""
    from pipelines.resolver import ResolverError, load_catalogue, resolve

    catalogue: Path = context.obj.load().models
    there, missing = [], []
    try:
        known = load_catalogue(catalogue)
    except ResolverError as error:
        raise ModelMissing(str(error)) from error
    for name in names or known.names:
        line = ProgressLine()
        try:
            path = resolve(name, config=catalogue, progress=_shown_on(line))
        except ResolverError as error:
            if names or not known.get(name).optional:
                missing.append(str(error))
            continue
        finally:
            line.clear()
        there.append({"name": name, "path": str(path)})
        if not as_json:
            typer.echo(f"{name}: {path}")
    if as_json:
        tell(there, "", as_json=True)
    if missing:
        raise ModelMissing(" ".join(missing))


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the models, whether they are here, and where they come from."""
    from pipelines.resolver import ResolverError, load_catalogue, status

    catalogue: Path = context.obj.load().models
    try:
        known = [status(name, config=catalogue) for name in load_catalogue(catalogue).names]
    except ResolverError as error:
        raise ModelMissing(str(error)) from error
    records: list[dict[str, Any]] = [
        plain(
            {
                "name": model.name,
                "purpose": model.purpose,
                "licence": model.licence,
                "present": model.present,
                "path": None if model.path is None else str(model.path),
                "source": model.source,
                "bytes": model.size,
                "sha256": dict(model.checksums),
            }
        )
        for model in known
    ]
    rows = [
        (
            model.name,
            "here" if model.present else "optional" if model.optional else "missing",
            size(model.size),
            model.source,
            model.licence,
            model.purpose,
        )
        for model in known
    ]
    tell(records, table(("model", "state", "size", "source", "licence", "purpose"), rows), as_json=as_json)


def _shown_on(line: ProgressLine) -> ModelProgress:
    def show(name: str, done: int, total: int | None, /) -> None:
        of = f" of {size(total)}" if total else ""
        line(done / total if total else 0.0, f"{name}  {size(done)}{of}")

    return show
