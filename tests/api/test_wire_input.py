"""Threat 18 over the wire: raw bytes that no browser sends, to the reference server with its web server."""

import contextlib
import gzip
import json
import socket
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

UUID = "3f0c6f6e-0000-4000-8000-000000000000"
MOBILE = "13900000001"
POSTS = ("/oauth/qq/user/", f"/sms_codes/{MOBILE}/", "/authorizations/", "/authorizations/refresh/")
GETS = ("/oauth/qq/authorization/", "/oauth/qq/user/", f"/sms_codes/{MOBILE}/", f"/image_codes/{UUID}/", "/login/")
HEAD = b"Host: 127.0.0.1\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"

#: The largest body in bytes that the reference server reads.
MOST = 65_536

to_every_post = pytest.mark.parametrize("path", POSTS)


class Wire:
    """Sends raw bytes and returns the status, or 0 when the server closed the connection without an answer. There is a
    time limit.
    """

    def __init__(self, site: str) -> None:
        url = urlsplit(site)
        self._address = (url.hostname, url.port)

    def __call__(self, *pieces: bytes, method: bytes = b"GET") -> int:
        with socket.create_connection(self._address, timeout=10) as connection:
            # The server may answer and close the connection before it has received everything.
            with contextlib.suppress(OSError):
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            answer = HTTPResponse(connection, method=method.decode("latin-1"))
            try:
                answer.begin()
                body = answer.read()
            except ConnectionError:
                return 0
        if answer.status in (502, 503):
            assert json.loads(body)["code"] in ("sms_not_sent", "provider_unavailable", "storage_unavailable")
        else:
            assert answer.status < 500, (answer.status, body[:500])
        return answer.status

    def post(self, path: str, body: bytes, *headers: bytes) -> int:
        length = b"Content-Length: %d\r\n" % len(body)
        return self(b"POST %s HTTP/1.1\r\n" % path.encode(), HEAD, length, *headers, b"\r\n", body)

    def get(self, path: bytes, *headers: bytes, method: bytes = b"GET", head: bytes = HEAD) -> int:
        return self(b"%s %s HTTP/1.1\r\n" % (method, path), head, *headers, b"\r\n", method=method)


@pytest.fixture
def wire(site: str) -> Wire:
    return Wire(site)


def refusals(body: bytes) -> tuple[int, ...]:
    return (413,) if len(body) > MOST else (400, 401, 429)


FIELDS = b'"mobile":"1","password":"1","sms_code":"1","access_token":"1","username":"1","refresh":"1","text":"1"'
JSON_BODIES = {
    "duplicate keys": b'{"username":"a","username":["b"],"password":"c","password":null}',
    "NaN": b'{"username":NaN,"password":Infinity,"refresh":-Infinity,"mobile":NaN,"text":NaN}',
    "1e400": b'{"username":1e400,"password":-1e400,"refresh":1e400,"mobile":1e400,"text":1e400}',
    "a number of 5,000 digits": b'{"username":%s}' % (b"9" * 5_000),
    "half a character for a key": b'{"\\ud800":"1",%s}' % FIELDS,
    "half a character": FIELDS.join((b"{", b"}")).replace(b'"1"', b'"\\udc00"'),
    "NUL for a key": b'{"\\u0000":1,%s}' % FIELDS,
    "not UTF-8": b'{"username":"\xff\xfe","\xc0\xaf":1}',
    "surrogates in UTF-8": b'{"username":"\xed\xa0\x80","password":"\xed\xb0\x80"}',
    "byte order mark": b"\xef\xbb\xbf{%s}" % FIELDS,
    "UTF-16": b"".join((b"{", FIELDS, b"}")).decode().encode("utf-16"),
    "UTF-32": b"".join((b"{", FIELDS, b"}")).decode().encode("utf-32"),
    "deep": b"[" * 30_000,
    "deep and whole": b"[" * 15_000 + b"]" * 15_000,
    "deep in a field": b'{"username":%s%s}' % (b'{"a":' * 5_000, b"1" + b"}" * 5_000),
    "3,000 keys": b"{%s}" % b",".join(b'"%d":1' % number for number in range(3_000)),
    "1 MB": b'{"username":"%s"}' % (b"a" * 1_000_000),
    "escapes": b'{"username":"%s"}' % (b"\\u4e00" * 5_000),
    "two values": b"{}{}",
    "a comment": b"{/**/}",
    "only white space": b" " * 30_000,
}


@to_every_post
@pytest.mark.parametrize("name", JSON_BODIES)
def test_threat_18_json(wire: Wire, path: str, name: str) -> None:
    assert wire.post(path, JSON_BODIES[name], JSON) in refusals(JSON_BODIES[name])


def _part(name: bytes, value: bytes = b"1", more: bytes = b"") -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, more, value)


_NAMES = (b"mobile", b"password", b"sms_code", b"access_token", b"username", b"refresh", b"text", b"image_code_id")
FORM_BODIES = {
    "thousands of fields": (FORM, b"&".join(b"%d=1" % number for number in range(5_000))),
    "thousands of one field": (FORM, b"&".join([b"username=1"] * 2_500)),
    "only separators": (FORM, b"&" * 30_000),
    "broken escapes": (FORM, b"username=%&password=%f&refresh=%zz&mobile=%u0031&text=%00"),
    "1 MB": (FORM, b"username=" + b"a" * 1_000_000),
    "hundreds of parts": (MULTIPART, b"".join(_part(b"%d" % number) for number in range(500)) + b"--x--\r\n"),
    "1 MB in a part": (MULTIPART, _part(b"username", b"a" * 1_000_000) + b"--x--\r\n"),
    "files for fields": (MULTIPART, b"".join(_part(name, more=b'; filename="a"') for name in _NAMES) + b"--x--\r\n"),
    "a file called ../..": (MULTIPART, _part(b"username", more=b'; filename="../../etc/passwd\\x00"') + b"--x--\r\n"),
    "no end": (MULTIPART, _part(b"username")),
    "no beginning": (MULTIPART, b"x--\r\n"),
    "another boundary": (MULTIPART, _part(b"username").replace(b"--x", b"--y")),
    "no boundary": (b"Content-Type: multipart/form-data\r\n", _part(b"username")),
    "an endless boundary": (b"Content-Type: multipart/form-data; boundary=%s\r\n" % (b"x" * 2_000), b"--x--"),
    "a header without an end": (MULTIPART, b"--x\r\nContent-Disposition: " + b"a" * 20_000),
    "thousands of headers": (MULTIPART, b"--x\r\n" + b"X: y\r\n" * 4_000 + b"\r\n1\r\n--x--"),
    "many parts in one": (MULTIPART, b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 400),
}


@to_every_post
@pytest.mark.parametrize("name", FORM_BODIES)
def test_threat_18_forms(wire: Wire, path: str, name: str) -> None:
    content_type, body = FORM_BODIES[name]
    assert wire.post(path, body, content_type) in refusals(body)


_CHUNKED = b"Transfer-Encoding: chunked\r\n"
FRAMES = {
    "chunked": (JSON + _CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked, with trailers": (JSON + _CHUNKED, b"2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n"),
    "chunked, and no end": (JSON + _CHUNKED, b"2\r\n{}\r\n"),
    "chunked, and not hexadecimal": (JSON + _CHUNKED, b"xyz\r\n{}\r\n0\r\n\r\n"),
    "chunked, and negative": (JSON + _CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunked, and huge": (JSON + _CHUNKED, b"F" * 40 + b"\r\n{}"),
    "chunked, 1 MB": (JSON + _CHUNKED, b"100000\r\n" + b" " * 0x100000 + b"\r\n0\r\n\r\n"),
    "chunked, of 1 byte each": (JSON + _CHUNKED, b"1\r\n \r\n" * 10_000 + b"0\r\n\r\n"),
    "chunked twice": (JSON + _CHUNKED * 2, b"2\r\n{}\r\n0\r\n\r\n"),
    "chunked, with a length": (JSON + _CHUNKED + b"Content-Length: 2\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "two lengths": (JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
    "no length": (JSON, b"{}"),
    "a negative length": (JSON + b"Content-Length: -1\r\n", b"{}"),
    "a length that is none": (JSON + b"Content-Length: 2x\r\n", b"{}"),
    "a length of 5,000 digits": (JSON + b"Content-Length: %s\r\n" % (b"9" * 5_000), b"{}"),
    "shorter than its length": (JSON + b"Content-Length: 100\r\n", b'{"mobile":'),
    "packed": (JSON + b"Content-Encoding: gzip\r\nContent-Length: 22\r\n", gzip.compress(b"{}")),
    "packed, and broken": (JSON + b"Content-Encoding: gzip, br, nope\r\nContent-Length: 4\r\n", b"\x1f\x8b\x08\x00"),
    "asking first": (JSON + b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"),
    "asking for something else": (JSON + b"Expect: miracles\r\nContent-Length: 2\r\n", b"{}"),
}


@to_every_post
@pytest.mark.parametrize("name", FRAMES)
def test_threat_18_frames(wire: Wire, path: str, name: str) -> None:
    headers, body = FRAMES[name]
    status = wire(b"POST %s HTTP/1.1\r\n" % path.encode(), HEAD, headers, b"\r\n", body)
    assert status in ((413,) if len(body) > MOST else (0, 400, 417))


HEADERS = [
    b"Accept-Language: " + b"zh-CN;q=1," * 700,
    b"Accept-Language: zh;q=NaN, en;q=1e400, ;;;, *;q=-1, \xff",
    b"Accept-Language: " + b"a-" * 2_000,
    b"Accept-Language: ../../etc/passwd",
    b"Cookie: " + b";" * 4_000,
    b"Cookie: =; ==; \xff\xfe=\x01; phonebind_flow_=x; sessionid=" + b"x" * 3_000,
    b"Cookie: csrftoken=\xff; sessionid=\xff; django_language=\xff",
    b"Cookie: " + b"; ".join(b'phonebind_flow_%d "(=x' % number for number in range(40)),
    b"X-Forwarded-For: " + b"," * 4_000,
    b"X-Forwarded-For: 1.2.3.4.5, [::1, \xff, fe80::1%eth0, 0x7f.1",
    b'X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil.example\r\nForwarded: for="_x";host=\xff',
    b"User-Agent: Mobile \xff\xfe" + b"x" * 4_000,
    b"Accept: */*;q=x, text/html;\xff, " + b"a/b," * 1_000,
    b"Origin: \xff\r\nReferer: http://[::1\r\nAuthorization: Bearer \xff",
    b"Content-Type: \xff; charset=\xff",
    b"If-Modified-Since: yesterday\r\nRange: bytes=-1-\r\nIf-None-Match: \xff",
    b"X-A: b\r\n" * 90 + b"X-B: c",
    b"X-Long: " + b"x" * 9_000,
    b"X_Under_Score: 1\r\nX-Nul: a\x00b",
    b" Folded: 1",
    b"No colon at all",
]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: repr(header[:40]))
def test_threat_18_headers(wire: Wire, header: bytes) -> None:
    for path in GETS:
        assert wire.get(path.encode(), header + b"\r\n")


HOSTS = [
    b"",
    b"evil.example",
    b"a b",
    b"[::1",
    b"127.0.0.1:x",
    b"\xff\xfe",
    b"127.0.0.1/..",
    b"x" * 5_000,
]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: repr(host[:40]))
def test_threat_18_hosts(wire: Wire, host: bytes) -> None:
    for path in GETS:
        assert wire.get(path.encode(), head=b"Connection: close\r\nHost: %s\r\n" % host) == 400


def test_threat_18_no_host_or_two(wire: Wire) -> None:
    for path in GETS:
        assert wire.get(path.encode(), head=b"Connection: close\r\n") < 500
        assert wire.get(path.encode(), b"Host: evil.example\r\n") == 400


PATHS = [
    *(
        b"/oauth/%s/authorization/" % bad
        for bad in (b"%2F", b"a%2Fb", b"%00", b"%C0%AF", b"%FF", b"\xff", b"\xe5\x95\x86", b"%", b"%zz")
    ),
    *(b"/sms_codes/%s/?text=%%00" % bad for bad in (b"%EF%BC%91", b"..%2F", b"%0d%0aX:y", b"1" * 3_000, b";a=b")),
    *(b"/image_codes/%s/" % bad for bad in (b"%2e%2e", b"%00", b"{}", b"urn:uuid:" + UUID.encode())),
    b"/oauth/qq/user/?state=" + b"x" * 3_900,
    b"/oauth/qq/user/?state=" + b"x" * 9_000,
    b"/oauth/qq/user/?" + b"a=1&" * 900,
    b"/oauth/qq/user/?code=%ED%A0%80&state=%00%FF%zz",
    b"/oauth/qq/authorization/?next=\xff\xfe",
    b"/login/qq/callback/?code=%00&state=%FF",
    b"/login/qq/bind/%00/",
    b"/login/images/%00/",
    b"/login/?next=%0d%0aX:y",
    b"//oauth/qq/user/",
    b"/./oauth/../oauth/qq/user/",
    b"/oauth/qq/user",
    b"/schema/?format=%00&lang=%FF",
    b"/schema/?format=xml&version=../..&lang=nope",
    b"/static/..%2f..%2f%00",
    b"http://evil.example/oauth/qq/authorization/",
    b"http://[::1/oauth/qq/authorization/",
    b"*",
    b"oauth/qq/user/",
    b"?",
    b"#",
    b"\x00",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path[:40]!r} {len(path)}")
def test_threat_18_paths(wire: Wire, path: bytes) -> None:
    wire.get(path)


@pytest.mark.parametrize("path", sorted({*POSTS, *GETS}))
def test_threat_18_methods(wire: Wire, path: str) -> None:
    for method in (
        b"HEAD",
        b"OPTIONS",
        b"TRACE",
        b"PROPFIND",
        b"PUT",
        b"DELETE",
        b"get",
        b"PRI",
        b"G\xffT",
        b"A" * 300,
    ):
        assert wire.get(path.encode(), method=method)


def test_threat_18_what_is_hardly_http(wire: Wire) -> None:
    for raw in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /login/\r\n\r\n",
        b"\x00" * 9_000,
    ):
        wire(raw)
    assert wire(b"GET /login/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n") == 200
