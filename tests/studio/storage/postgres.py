"""A PostgreSQL server of the tests' own: in a temporary folder, reached through a socket in it, stopped at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
_UNPRIVILEGED = ("postgres", "nobody")


class Server:
    """A running server; `new_records` gives the URL of an empty place for records in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_records(self) -> str:
        """Make a schema, which takes a moment where a database would take a second, and return its URL."""
        import psycopg

        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self._folder), user="keepsake", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"postgresql://keepsake@/postgres?host={self._folder}&options=-csearch_path%3D{name}"


def find_programs() -> Path | None:
    """Return the folder with PostgreSQL's programs, the newest version where Debian has several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(_DEBIAN.glob("[0-9]*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """Start a server without any durability, and remove it with everything in it afterwards."""
    # Not below pytest's folder: the path of a socket has to be short, and another user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="keepsake-pg-"))
    user = _user()
    if user is not None:
        os.chown(folder, user, -1)

    def call(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        # Into a file: the server inherits it, and the end of a pipe would be waited for until the server ends.
        with (folder / "said").open("w+") as said:
            done = subprocess.run(
                command, user=user, cwd=folder, check=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, f"{program}: {(folder / 'said').read_text()}"

    records = str(folder / "records")
    try:
        call("initdb", "-D", records, "-U", "keepsake", "-A", "trust", "-E", "UTF8", "--no-sync")
        fast = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=50"
        options = f"-c listen_addresses= -c unix_socket_directories={folder} {fast}"
        call("pg_ctl", "-D", records, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            call("pg_ctl", "-D", records, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> int | None:
    """PostgreSQL does not run as root; None: as whoever runs the tests."""
    if os.getuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise AssertionError("PostgreSQL does not run as root, and there is no other user")
