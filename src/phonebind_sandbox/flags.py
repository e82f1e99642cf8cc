"""The command-line flags of ``phonebind-sandbox``, and their checks."""

import argparse
import ipaddress
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import __version__
from .conf import DEFAULT_APPS, PUSHING, App, is_address
from .names import is_loopback

PROGRAM = "phonebind-sandbox"

#: Flags that can also be environment variables. --expose cannot: opening the sandbox to other machines must be an
#: explicit decision each time.
_VARIABLES = ("host", "port", "redirect-uri", "app", "name", "receipts")


@dataclass(frozen=True, slots=True)
class Flags:
    host: str
    port: int
    #: As in the setting ``PHONEBIND_SANDBOX["APPS"]``.
    apps: Mapping[str, Mapping[str, Any]]
    #: Registered for all apps. If empty, all URLs of this machine are accepted.
    redirect_uris: tuple[str, ...]
    #: Host names of the sandbox, besides the loopback names.
    names: tuple[str, ...]
    #: As in the setting ``PHONEBIND_SANDBOX["RECEIPTS"]``.
    receipts: Mapping[str, str]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line. The usage is only in --help."""
        sys.stderr.write(f"{PROGRAM}: {message}\n")
        sys.exit(2)


def read(arguments: Sequence[str]) -> Flags:
    """Read the environment and the command line. An error ends the process with one line and exit code 2."""
    parser = _parser()
    given = parser.parse_args([*_from_environment(), *arguments])  # the later one wins
    if not is_loopback(given.host) and not given.expose:
        parser.error(
            f"other machines may reach {given.host}, and every visitor of the sandbox can sign in as anyone. "
            "Add --expose if you want this."
        )
    apps = {**DEFAULT_APPS, **{client_id: {"secret": secret, "unionid": True} for client_id, secret in given.app}}
    redirect_uris = tuple(given.redirect_uri)
    apps = {client_id: {**options, "redirect_uris": redirect_uris} for client_id, options in apps.items()}
    return Flags(given.host, given.port, apps, redirect_uris, (_in_url(given.host), *given.name), dict(given.receipts))


def _parser() -> _Parser:
    parser = _Parser(
        PROGRAM,
        description="QQ Connect, SMS vendors with an inbox, and Tencent's captcha on one port of your own machine.",
        epilog="Variables like PHONEBIND_SANDBOX_REDIRECT_URI also work. Lists are separated by spaces. A flag wins.",
        allow_abbrev=False,
    )
    more: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=_port, default=9000, help="0 selects any free port (%(default)s)")
    redirect_uri = "a callback URL of the apps; default: all URLs of this machine. Repeatable"
    parser.add_argument("--redirect-uri", metavar="URI", type=_redirect_uri, help=redirect_uri, **more)
    parser.add_argument(
        "--app", metavar="ID:SECRET", type=_app, help="an app besides the default ones. Repeatable", **more
    )
    name = "a host name of the sandbox besides localhost. Repeatable"
    parser.add_argument("--name", type=_name, help=name, **more)
    receipts = "the URL for an SMS vendor's receipts. Repeatable"
    parser.add_argument("--receipts", metavar="VENDOR=URL", type=_receipts, help=receipts, **more)
    parser.add_argument("--expose", action="store_true", help="allow a host that other machines reach")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _from_environment() -> Iterator[str]:
    for flag in _VARIABLES:
        words = os.environ.get(f"PHONEBIND_SANDBOX_{flag.replace('-', '_').upper()}", "").split()
        yield from (f"--{flag}={word}" for word in words)


def _host(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("where to listen?")
    return text.removeprefix("[").removesuffix("]")


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _redirect_uri(text: str) -> str:
    # A URL that does not match itself cannot be registered.
    if not App("", "", redirect_uris=(text,)).accepts(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a complete http(s) URL")
    return text


def _app(text: str) -> tuple[str, str]:
    client_id, _, secret = text.partition(":")
    if not client_id or not secret:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID:SECRET")
    return client_id, secret


def _receipts(text: str) -> tuple[str, str]:
    vendor, _, url = text.partition("=")
    if vendor not in PUSHING:
        raise argparse.ArgumentTypeError(f"{vendor!r} sends no receipts; {', '.join(PUSHING)} do")
    if not is_address(url):
        raise argparse.ArgumentTypeError(f"{url!r} is not a complete http(s) URL")
    return vendor, url


def _name(text: str) -> str:
    # Neither * nor .example is allowed: they would also match names of other owners, and so admit their pages.
    if re.fullmatch(r"\w[\w-]*(\.\w[\w-]*)*", text, re.ASCII):
        return text
    try:
        return _in_url(str(ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name") from None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
