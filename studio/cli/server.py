"""`serve`: the studio in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from studio.cli.console import AsJson, tell


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at; 127.0.0.1 is this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the studio in the browser until Ctrl+C."""
    from studio.ui.app import leave
    from studio.ui.app import serve as serve_pages

    def say(address: str) -> None:
        tell({"url": address}, f"Keepsake is at {address}  (Ctrl+C stops it)", as_json=as_json)

    serve_pages(context.obj.load(host=host, port=port), say)
    typer.echo("Keepsake has stopped.", err=True)
    leave(0)
