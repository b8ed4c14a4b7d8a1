"""The studio in the browser: one ASGI app made of our own routes and the gradio pages.

Nothing heavy is imported with this module. gradio takes seconds to import, so `serve` answers at once
with a small page of our own (see `front_door`) and builds the rest in a thread.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from studio.errors import StudioError
from studio.ui.front_door import FrontDoor, Opened

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

    from studio.config import StudioConfig
    from studio.studio import Studio

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "ui"
UPLOAD_LIMIT = "1100mb"  # above the studio's own limits, so that the studio's sentences are what people read
CLOSING = 0.8  # seconds for a running job to reach its next step when the studio is stopped


def local_owner(_request: Request) -> str:
    """Return the owner of everything in a studio without accounts."""
    return "local"


def build_app(studio: Studio, *, owner_of: Callable[[Request], str] = local_owner) -> FastAPI:
    """Return the whole studio as an ASGI app.

    Args:
        studio: the services the pages use; closed by whoever built it.
        owner_of: says whose things a request to the media routes may see.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads it when it is imported
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.staticfiles import StaticFiles

    from studio.ui.blocks import build_blocks
    from studio.ui.craft_media import add_craft_routes
    from studio.ui.media import add_media_routes
    from studio.ui.page import PageMiddleware
    from studio.ui.stream import StreamMiddleware
    from studio.ui.taste_media import add_taste_routes
    from studio.ui.theme import KeepsakeTheme

    app = FastAPI(title="Keepsake", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/look", StaticFiles(directory=ASSETS), name="look")
    add_media_routes(app, studio, owner_of)
    add_craft_routes(app, studio, owner_of)
    add_taste_routes(app, studio, owner_of)
    app.add_middleware(PageMiddleware, start_tab=lambda: "create" if studio.concepts.list() else "concepts")
    blocks = build_blocks(studio)
    app.add_middleware(StreamMiddleware, waiting=lambda s: bool(blocks._queue.pending_event_ids_session.get(s)))
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=KeepsakeTheme(),
        footer_links=[],
        run_history=False,  # would keep every picture in the browser a second time
        show_error=True,
        max_file_size=UPLOAD_LIMIT,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )


def serve(config: StudioConfig, say: Callable[[str], None]) -> None:
    """Serve the studio on ``config.host:config.port`` until it is stopped by Ctrl+C or a SIGTERM.

    A library may still be computing or importing when this returns; see `leave`.

    Args:
        config: the settings.
        say: told the address once somebody listens there.

    Raises:
        StudioError: the address cannot be used, or the studio could not be opened.
    """
    from studio.ui.server import Server

    # Uploads wait here for a moment with everything the phone wrote into them: keep that in the studio's own folder.
    os.environ["GRADIO_TEMP_DIR"] = str(Path(config.data_dir).resolve() / "uploads")
    with closing(_listen(config.host, config.port)) as listener:
        host, port = listener.getsockname()[:2]
        door = FrontDoor(lambda: _open(config), (ASSETS / "splash.html").read_bytes())
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        server = Server(door, started=lambda: say(address))
        door.on_failure = lambda: setattr(server, "should_exit", True)
        server.run(sockets=[listener])
    if door.failure is not None:
        raise door.failure


def leave(status: int) -> NoReturn:
    """End the process with `status` now.

    The ordinary end would wait for a thread that imports a library or loads a model, or crash in it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _open(config: StudioConfig) -> Opened:
    from studio.bootstrap import build_studio

    studio = build_studio(config)
    return Opened(app=build_app(studio), close=lambda: studio.close(CLOSING))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # from now on a browser waits for the server instead of being refused
    except OSError as error:
        listener.close()
        raise StudioError(
            f"The address {host}:{port} cannot be used ({error.strerror}). "
            "Stop the program that uses it, or choose another port with --port."
        ) from error
    return listener
