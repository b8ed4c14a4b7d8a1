"""`python -m studio`: the studio on the command line."""

from __future__ import annotations

from studio.cli.app import app

if __name__ == "__main__":
    app()
