"""Open the studio in the browser: ``python app.py [--config FILE] [--host ADDRESS] [--port N] [--data-dir FOLDER]``."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from studio.config import load_config
from studio.errors import StudioError
from studio.ui.app import leave, serve


def main() -> int:
    """Read the arguments and the configuration, then serve; 0 when it was stopped, 1 with a reason otherwise."""
    parser = argparse.ArgumentParser(description="Open the Keepsake studio in the browser.")
    parser.add_argument("--config", type=Path, help="a settings file instead of configs/studio.yaml")
    parser.add_argument("--host", help="address to listen at (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen at (7860); 0 takes any free one")
    parser.add_argument("--data-dir", type=Path, help="where concepts and pictures are kept")
    given = vars(parser.parse_args())
    logging.basicConfig(format="%(message)s")
    logging.getLogger("studio").setLevel(logging.INFO)
    try:
        serve(load_config(given.pop("config"), **given), _say_address)
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:  # before there was a server to end
        pass
    sys.stderr.write("Keepsake has stopped.\n")
    return 0


def _say_address(address: str) -> None:
    sys.stderr.write(f"Keepsake is at {address}  (Ctrl+C stops it)\n")
    sys.stderr.flush()


if __name__ == "__main__":
    leave(main())
