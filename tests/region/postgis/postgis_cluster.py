"""A private PostgreSQL with PostGIS in a temporary folder, on a free loopback port, for one session of tests."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

PASSWORD = "öffne dich"  # noqa: S105 - of a data base that lives for a minute
READER_PASSWORD = "nur lesen"  # noqa: S105


@dataclass(frozen=True)
class Cluster:
    """Where the data base is, and how to be its owner."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/plan"

    @property
    def reader(self) -> str:
        return f"postgresql://reader@127.0.0.1:{self.port}/plan"

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url, password=PASSWORD, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.url, password=PASSWORD) as connection:
            return connection.execute(query).fetchall()


def programs() -> Path:
    """Folder of the newest PostgreSQL that has PostGIS; the test skips where there is none."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -int(p.parent.name)):
        extension = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if (folder / "initdb").is_file() and extension.is_file():
            return folder
    found = shutil.which("initdb")
    if found:
        folder = Path(found).resolve().parent
        asked = subprocess.run(
            [folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
        )
        if (Path(asked.stdout.strip()) / "extension" / "postgis.control").is_file():
            return folder
    pytest.skip("no PostgreSQL with PostGIS here (Debian: postgresql, postgresql-postgis)")


def _user() -> dict[str, object]:
    """Whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            who = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL refuses root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make, start, and afterwards remove a data base ``plan`` with PostGIS and the users owner and reader."""
    bin_, who = programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="phusong-pg-"))
    server = None
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        if who:
            for path in (folder, secret):
                os.chown(path, who["user"], who["group"])
        subprocess.run(
            [
                bin_ / "initdb", "-D", folder / "data", "-U", "owner", "--pwfile", secret, "--auth=scram-sha-256",
                "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
            check=True, capture_output=True, cwd=folder, **who,
        )  # fmt: skip
        # one data base asks for passwords in clear text, which no client should give without a certificate
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text("host clear all 127.0.0.1/32 password\n" + rules.read_text())
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off",
            "full_page_writes": "off", "synchronous_commit": "off", "max_connections": 12, "shared_buffers": "16MB",
        }  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [bin_ / "postgres", "-D", folder / "data", *(f"--{k}={v}" for k, v in settings.items())],
                stdout=log, stderr=log, cwd=folder, **who,
            )  # fmt: skip
        _wait(port, server, folder / "log")
        with psycopg.connect(
            f"postgresql://owner@127.0.0.1:{port}/postgres", password=PASSWORD, autocommit=True
        ) as connection:
            for name in ("plan", "bare", "clear"):
                connection.execute(f"CREATE DATABASE {name}")
            connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{READER_PASSWORD}'")
        made = Cluster(port)
        made.run(
            "CREATE SCHEMA gis", "CREATE EXTENSION postgis SCHEMA gis", "GRANT USAGE ON SCHEMA gis TO public"
        )
        yield made
    finally:
        if server is not None:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        try:
            psycopg.connect(
                f"postgresql://owner@127.0.0.1:{port}/postgres", password=PASSWORD, connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace"))
