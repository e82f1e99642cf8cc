"""The tests run what deploy/ starts: the Containerfile's steps one by one, and then each command of each file.

There is no container engine here. So a folder is the root of each stage, and the packages that pip would download are
those that these tests have installed. The files are exactly those that the Containerfile copies.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest
import rest_framework
from standardwebhooks import Webhook

from server.processes import spawn, stop
from tests.deploy.files import DEPLOY, Step, compose, containerfile, manifest, pods, unit, variables
from tests.support.services import valkey_server
from tests.support.site import ROOT

pytestmark = pytest.mark.once

INSTALLED = Path(rest_framework.__file__).parents[1]
#: For the systemd units: their example names Aliyun.
ALIYUN = '{"access_key_id": "LTAI", "access_key_secret": "secret", "sign_name": "速通互联验证码"}'
SMS = '{"endpoint": "https://sms.example.com/", "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}'


@dataclass
class Image:
    """The stages as folders, and the environment and command of the last one."""

    directory: Path

    def __post_init__(self) -> None:
        self.workdir = Path()
        self.environ: dict[str, str] = {}
        self.command: list[str] = []
        for step in containerfile():
            getattr(self, f"_{step.name.lower()}", lambda _step: None)(step)

    def root(self, stage: int) -> Path:
        return self.directory / f"stage{stage}"

    def _from(self, step: Step) -> None:
        self.stage = step.stage
        self.root(step.stage).mkdir()

    def _workdir(self, step: Step) -> None:
        self.workdir = self.root(step.stage) / step.words[0].lstrip("/")
        self.workdir.mkdir(parents=True, exist_ok=True)

    def _copy(self, step: Step) -> None:
        *sources, target = step.words
        base = ROOT
        if sources[0].startswith("--from="):
            base = self.root(0)
            del sources[0]
        for source in sources:
            found = base / source.lstrip("/")
            assert base != ROOT or is_sent(source), f".dockerignore keeps {source} back"
            into = self.workdir / target / (found.name if target.endswith("/") else "")
            if found.is_dir():
                shutil.copytree(found, into, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, into)

    def _run(self, step: Step) -> None:
        words = {"python": [sys.executable], "pip": [sys.executable, "-m", "pip"]}[step.words[0]] + step.words[1:]
        if "--require-hashes" in words:
            # The packages that pip would download are here already. The .pth files of other installations are not
            # followed.
            assert (self.workdir / words[-1]).read_text().count("--hash=sha256:") > 100
            [packages] = self.workdir.glob(".venv/lib/python*/site-packages")
            (packages / "installed.pth").write_text(f"{INSTALLED}\n")
            return
        index = ["--no-index"] if "install" in words else []
        subprocess.run([*words, *index], cwd=self.workdir, env=self._bare(), check=True, capture_output=True)

    def _env(self, step: Step) -> None:
        self.environ |= dict(word.split("=", 1) for word in step.words)

    def _cmd(self, step: Step) -> None:
        self.command = step.words

    def _bare(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory)}


def is_sent(source: str) -> bool:
    """Whether the engine sends this file to the build."""
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    return any(fnmatch(source, rule) for rule in kept)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets, made as docs/en/how-to/containers.md says, for the services of these tests."""
    directory = tmp_path_factory.mktemp("deploy")
    shutil.copy(DEPLOY / "secrets.sh", directory)
    subprocess.run([directory / "secrets.sh"], check=True, capture_output=True)
    made = directory / "secrets"
    (made / "qq_client_secret").write_text("of-the-console\n")
    (made / "sms_options.json").write_text(SMS)
    (made / "sms_options").write_text(SMS)
    shutil.copy(made / "jwt_private_key.pem", made / "jwt_private_key")
    shutil.copy(made / "webhooks.json", made / "webhooks")
    (made / "database_url").chmod(0o600)
    (made / "database_url").write_text(f"sqlite:///{directory / 'db.sqlite3'}")
    (made / "redis_url").write_text(_redis())
    return made


def _redis() -> str:
    return valkey_server().url.replace("db=0", "db=6")


def environ_of(image: Image, secrets: Path, *more: dict[str, str]) -> dict[str, str]:
    """The environment of a container. Files that have fixed places there are in this test's folders."""
    found = dict(image.environ)
    for each in more:
        found |= each
    for name, value in found.items():
        if name.endswith("_FILE"):
            found[name] = str(secrets / Path(value).name)
    if "REDIS_URL" in found:
        found["REDIS_URL"] = _redis()
    return found | {
        "PATH": f"{image.workdir}/.venv/bin:{os.environ['PATH']}",
        "DATA_DIR": str(image.directory / "tmp" / Path(found["DATA_DIR"]).name),
    }


def run(image: Image, command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as the container would."""
    assert command[0] == "python"
    command = [str(image.workdir / ".venv/bin/python"), *command[1:]]
    return subprocess.run(command, cwd=image.workdir, env=environ, capture_output=True, text=True, check=False)


@contextmanager
def served(image: Image, command: list[str], environ: dict[str, str]) -> Iterator[int]:
    """Start the command. Returns the port that answers probes."""
    log = image.directory / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as output:
        port, number = listener.getsockname()[1], listener.fileno()
        process = spawn(
            command,
            cwd=image.workdir,
            env=environ | {"BIND": f"fd://{number}", "DRAIN": "0"},
            stdout=output,
            stderr=output,
            pass_fds=[number],
        )
        with process:
            try:
                deadline = time.monotonic() + 60
                while process.poll() is None and time.monotonic() < deadline and get(port, "/readyz") != 200:
                    time.sleep(0.1)
                assert get(port, "/readyz") == 200, log.read_text()
                yield port
            finally:
                stop(process, timeout=30)


def sends(image: Image, command: list[str], environ: dict[str, str]) -> None:
    """The sender delivers to the endpoint in WEBHOOKS, and ends in order. Without an endpoint it does not start."""
    environ = environ | {"WEBHOOKS_FILE": "", "WEBHOOKS": ""}
    assert "has no endpoint" in run(image, command, environ).stderr
    with told() as (entry, messages):
        environ["WEBHOOKS"] = json.dumps({"crm": entry})
        made = run(image, ["python", "-m", "server.manage", "shell", "-v", "0", "-c", MAKES_A_USER], environ)
        assert made.returncode == 0, made.stderr
        python = str(image.workdir / ".venv/bin/python")
        with spawn([python, *command[1:]], cwd=image.workdir, env=environ) as process:
            try:
                assert messages.get(timeout=60)["type"] == "account-created"
            finally:
                stop(process, timeout=30)
        assert process.returncode == 0


MAKES_A_USER = """
from uuid import uuid4
from django.contrib.auth import get_user_model
get_user_model().objects.create_user(username=uuid4().hex)
"""


@contextmanager
def told() -> Iterator[tuple[dict[str, str], Queue[Any]]]:
    """An entry of WEBHOOKS, and the messages that arrive there with a good signature."""
    secret, messages = "whsec_d2ViaG9va3MtZm9yLXRlc3RzLW9mLWRlcGxveQ==", Queue[Any]()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.put(Webhook(secret).verify(body, dict(self.headers.items())))
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"url": f"http://127.0.0.1:{server.server_port}/", "secret": secret}, messages
        finally:
            server.shutdown()
            thread.join()


#: The headers that the proxy sets.
PROXIED = {"Host": "shop.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


def get(port: int, path: str, headers: Mapping[str, str] = {}) -> int:
    """The status. Without headers, the host is an address alone, as in a probe."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def gunicorn(image: Image, command: list[str]) -> list[str]:
    """The command without gunicorn's script: pip would have written the script."""
    assert command[0] == "gunicorn"
    return [str(image.workdir / ".venv/bin/python"), "-m", *command]


def of_compose(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def site_environ(image: Image, secrets: Path, name: str) -> dict[str, str]:
    return environ_of(image, secrets, variables(DEPLOY / "site.env.example"), of_compose(name)["environment"])


def written(image: Image) -> set[tuple[str, int]]:
    return {(str(file), file.lstat().st_mtime_ns) for file in image.root(1).rglob("*")}


def test_compose_migrates_and_serves_and_writes_nothing_but_its_tmp(image: Image, secrets: Path) -> None:
    before = written(image)
    done = run(image, of_compose("migrations")["command"], site_environ(image, secrets, "migrations"))
    assert done.returncode == 0, done.stderr
    with served(image, gunicorn(image, image.command), site_environ(image, secrets, "site")) as port:
        check = of_compose("site")["healthcheck"]["test"]
        assert check[:2] == ["CMD", "python"]
        healthy = [word.replace(":8000/", f":{port}/") for word in check[1:]]
        assert run(image, healthy, site_environ(image, secrets, "site")).returncode == 0
        for path in ("/login/", "/.well-known/jwks.json"):
            assert get(port, path, PROXIED) == 200
    loop = of_compose("chores")["command"][2]
    chores = [part.split() for part in loop.split("; ") if "server.manage" in part]
    for words in chores:
        done = run(image, words[words.index("python") :], site_environ(image, secrets, "chores"))
        assert done.returncode == 0, done.stderr
    assert len(chores) == 5
    sends(image, of_compose("webhooks")["command"], site_environ(image, secrets, "webhooks"))
    assert written(image) == before


def test_without_a_file_that_is_copied_it_does_not_start(image: Image, secrets: Path) -> None:
    """If the Containerfile copied too few files, the other tests would fail."""
    kept = image.workdir / "server/keys.py"
    kept.rename(image.directory / "keys.py")
    try:
        done = run(image, of_compose("migrations")["command"], site_environ(image, secrets, "migrations"))
        assert done.returncode != 0
    finally:
        (image.directory / "keys.py").rename(kept)


def test_the_sandbox_is_not_in_the_image(image: Image) -> None:
    assert not list(image.root(1).rglob("phonebind_sandbox"))
    assert list(image.root(1).rglob("site-packages/phonebind/locale"))


def test_kubernetes_migrates_and_serves_its_probes(image: Image, secrets: Path) -> None:
    data = manifest("ConfigMap")["data"]
    environ = environ_of(image, secrets, data)
    for kind, pod in pods():
        [container] = pod["containers"]
        if kind == "Job":
            done = run(image, container["command"], environ)
            assert done.returncode == 0, done.stderr
    for kind, pod in pods():
        [container] = pod["containers"]
        if kind == "CronJob":
            assert run(image, container["command"], environ).returncode == 0
        if "command" in container and kind == "Deployment":
            sends(image, container["command"], environ)
    [node] = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    assert "command" not in node
    own = {each["name"]: each["value"] for each in node["env"]}
    with served(image, gunicorn(image, image.command), environ | own) as port:
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert get(port, node[name]["httpGet"]["path"]) == 200


def test_systemd_starts_its_services(image: Image, secrets: Path) -> None:
    filled = variables(DEPLOY / "systemd/environment.example") | {
        "SECRET_KEY": (secrets / "secret_key").read_text(),
        "QQ_CLIENT_SECRET": "of-the-console",
        "SMS_OPTIONS": ALIYUN,
        "DATABASE_URL": (secrets / "database_url").read_text(),
    }
    started = []
    for file in sorted((DEPLOY / "systemd").glob("*.service"), reverse=True):
        service = unit(file)["Service"]
        own = dict(word.split("=", 1) for word in service["Environment"][0].split())
        environ = environ_of(image, secrets, filled, own)
        words = service["ExecStart"][0].split()
        assert (words[0], service["WorkingDirectory"]) == ("/srv/phonebind/.venv/bin/python", ["/srv/phonebind"])
        if service["Type"] == ["oneshot"]:
            done = run(image, ["python", *words[1:]], environ)
            assert done.returncode == 0, done.stderr
        elif words[-1] == "phonebind_webhooks":
            sends(image, ["python", *words[1:]], environ)
        else:
            with served(image, [str(image.workdir / ".venv/bin/python"), *words[1:]], environ) as port:
                assert get(port, "/healthz") == 200
        started.append(file.name)
    assert len(started) == 7
