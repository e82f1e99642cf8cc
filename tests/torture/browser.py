"""Where a browser goes: the part of the WHATWG URL parser that finds the host, without the parsers of Python and
Django.

https://url.spec.whatwg.org/#concept-basic-url-parser, for http and https bases only.
"""

import re
import unicodedata
from urllib.parse import unquote

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_PORTS = {"http": "80", "https": "443"}


def destination(target: str, base: tuple[str, str]) -> tuple[str, str]:
    """Scheme and host of a link on a page of ``base``. The host includes a port that is not the default of the scheme.
    It is empty for a scheme without hosts.
    """
    rest = re.sub("[\t\n\r]", "", target.strip(_C0_AND_SPACE))
    scheme = base[0]
    if found := _SCHEME.match(rest):
        scheme, rest = found[0].lower(), rest[found.end() + 1 :]
        if scheme not in _PORTS:
            return scheme, ""
    rest = rest.replace("\\", "/")
    # If the scheme differs from the page's, a host needs no slashes before it: "https:evil.example".
    if not rest.startswith("//") and scheme == base[0]:
        return base
    authority = re.split("[/?#]", rest.lstrip("/"), maxsplit=1)[0]
    host = _host(authority.rpartition("@")[2])
    return scheme, host.removesuffix(f":{_PORTS[scheme]}")


def _host(text: str) -> str:
    """Percent-decoded, and mapped as IDNA does: full-width letters, and the dots of other scripts."""
    mapped = unicodedata.normalize("NFKC", unquote(text).replace("\u3002", ".").replace("\u00ad", ""))
    return mapped.casefold()
