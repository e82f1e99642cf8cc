"""nginx and systemd read the files that deploy/ has for them."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, compose, services
from tests.server.test_nginx import AROUND
from tests.support import certificate, machine
from tests.support.services import REQUIRE_ALL

pytestmark = pytest.mark.once


def needed(tool: str) -> list[str]:
    """The commands of a program. If it is missing, the test is skipped, or fails where PHONEBIND_REQUIRE_ALL=1."""
    found = machine.commands(tool)
    if not found:
        (pytest.fail if REQUIRE_ALL else pytest.skip)(f"{tool} is not installed")
    return found


def test_every_unit_is_one_for_systemd(tmp_path: Path) -> None:
    [analyze] = needed("systemd")
    for file in (*services(), *(DEPLOY / "systemd").glob("*.timer")):
        # Replace the paths that this machine does not have. The rest of the unit must be right.
        text = file.read_text().replace("/srv/phonebind/.venv/bin/python", "/bin/true")
        (tmp_path / file.name).write_text(text.replace("WorkingDirectory=/srv/phonebind", "WorkingDirectory=/"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "phonebind" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_nginx_takes_the_proxys_configuration(tmp_path: Path) -> None:
    [nginx] = needed("nginx")
    block = (DEPLOY / "nginx/phonebind.conf").read_text()
    volumes = dict(volume.split(":")[1::-1] for volume in compose()["services"]["proxy"]["volumes"])
    pem = str(certificate.write(tmp_path / "both.pem"))
    for path in ("/etc/ssl/shop.example.com.pem", "/etc/ssl/shop.example.com.key"):
        assert path in volumes
        assert f" {path};" in block
        block = block.replace(f" {path};", f" {pem};")
    # Only containers can resolve the name of a service.
    block = block.replace("server site:8000;", "server 127.0.0.1:8000;").replace("listen ", "listen 127.0.0.1:1")
    file = tmp_path / "nginx.conf"
    file.write_text(AROUND.format(directory=tmp_path, user="", block=block))
    done = subprocess.run([nginx, "-t", "-e", "stderr", "-c", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
