"""The verbs of the command line. Nothing heavy is imported before a verb needs it, so that help answers at once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from studio.cli import (
    assistant,
    cards,
    concepts,
    diagnosis,
    models,
    pictures,
    posters,
    recognition,
    server,
    stickers,
    style_loras,
    taste,
)
from studio.cli.console import Settings
from studio.errors import JobCancelled, StudioError

INTERRUPTED = 130  # what shells report for a program stopped by Ctrl+C


class OneLineErrors(TyperGroup):
    """Ends with one line on stderr and a non-zero status for everything a person can cause; bugs keep their trace."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = False,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the verb in `args` and exit; `standalone_mode` is always off: its errors take many lines."""
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            if status == INTERRUPTED:  # typer says nothing by itself
                _fail("stopped.", status=INTERRUPTED)
        except TyperException as error:
            status = _fail(error.format_message(), status=2)
        except JobCancelled as error:
            status = _fail(str(error), status=INTERRUPTED)
        except StudioError as error:
            status = _fail(str(error))
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            status = _fail(f"{place}{error.strerror or error}")
        sys.exit(status if isinstance(status, int) else 0)


def _fail(reason: str, *, status: int = 1) -> int:
    typer.echo(f"error: {' '.join(reason.split())}", err=True)
    return status


app = typer.Typer(cls=OneLineErrors, add_completion=False, rich_markup_mode=None)
cards.add_verbs(concepts.app)
app.add_typer(concepts.app, name="concept")
app.add_typer(models.app, name="models")
app.add_typer(taste.app, name="taste")
app.add_typer(style_loras.app, name="style")
app.command("generate")(pictures.generate)
app.command("recognise")(recognition.recognise)
app.command("ask")(assistant.ask)
app.command("stickers")(stickers.stickers)
app.command("check-pack")(stickers.check_pack)
app.command("poster")(posters.poster)
app.command("suggest-titles")(posters.suggest_titles)
app.command("serve")(server.serve)
app.command("doctor")(diagnosis.doctor)


@app.callback(invoke_without_command=True)
def keepsake(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Settings file; without it KEEPSAKE_CONFIG, else configs/studio.yaml.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for concepts and pictures.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on stderr.")] = False,
) -> None:
    """Keepsake: photos of a thing become pictures and stickers of it, on this machine."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    context.obj = Settings(file=config, data_dir=data_dir)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
