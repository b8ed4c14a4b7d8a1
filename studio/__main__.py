"""`python -m studio`: the studio on the command line."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130  # what shells report for a program stopped by Ctrl+C


def main() -> None:
    """Run the verb that was asked for; Ctrl+C ends it at once, whatever a library is doing in a thread."""
    try:
        from studio.cli.app import app

        app()
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
    except KeyboardInterrupt:  # while the verbs were being imported, or for a second time
        sys.stderr.write("error: stopped.\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)  # an ordinary end could crash in a thread that is loading a model


if __name__ == "__main__":
    main()
