"""HTTP/1.1 as our client writes and reads it, compared with Python's own."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phonebind import http1
from tests.support.http_answers import CHUNKED, GOOD, MOST, ODD, OK, hold, ours, theirs

PIECES = sorted({piece for answer in (*GOOD, *ODD) for piece in answer.splitlines(keepends=True) if len(piece) < 100})


@pytest.mark.parametrize("answer", GOOD, ids=ascii)
def test_what_servers_answer_is_read_as_pythons_client_reads_it(answer: bytes) -> None:
    assert hold(answer)


@pytest.mark.parametrize("answer", ODD, ids=lambda answer: ascii(answer[:70]))
def test_threat_19_what_could_be_read_in_two_ways_is_no_answer(answer: bytes) -> None:
    assert not hold(answer)


@given(
    st.lists(st.sampled_from([*PIECES, b"\r\n", b"\n", b"\r", b" ", b"0", b"1", b"abc"]), max_size=12),
    st.binary(max_size=4),
)
def test_threat_19_whatever_both_read_is_the_same(pieces: list[bytes], rest: bytes) -> None:
    for start in (b"", OK, CHUNKED):
        hold(start + b"".join(pieces) + rest)


@given(st.sampled_from([*GOOD, *ODD]), st.integers(0, 120), st.binary(max_size=3), st.integers(0, 3))
@example(GOOD[0], 17, b"\n", 2)
def test_threat_19_a_good_answer_with_a_wound(answer: bytes, place: int, put: bytes, gone: int) -> None:
    hold(answer[:place] + put + answer[place + gone :])


@pytest.mark.parametrize(
    ("answer", "is_last"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", False),
        (OK + b"Content-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok", False),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", False),
        # Some servers send the body that they have announced all the same.
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", True),
        (OK + b"Content-Length: 2\r\nConnection: x, Close\r\n\r\nok", True),
        (OK + b"Content-Length: 2\r\nConnection: x\r\nConnection: close\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", True),
        (OK + b"\r\nok", True),
        # A second answer that was not asked for would go to the next person.
        (OK + b"Content-Length: 2\r\n\r\nok" + OK, True),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n\n", True),
    ],
)
def test_a_connection_goes_on_where_it_is_certain_that_the_answer_has_ended(answer: bytes, is_last: bool) -> None:
    found = ours(answer)
    assert found
    assert found.is_last == is_last


def test_a_line_and_a_head_are_as_long_as_they_may_be_and_no_longer() -> None:
    def padded(line: int, lines: int) -> bytes:
        return OK + b"X: " + b"y" * (line - 3) + b"\r\n" + b"X: y\r\n" * (lines - 4) + b"Content-Length: 1\r\n\r\n1"

    assert hold(padded(http1.MAX_LINE, http1.MAX_LINES))
    assert not hold(padded(http1.MAX_LINE + 1, http1.MAX_LINES))
    assert not hold(padded(http1.MAX_LINE, http1.MAX_LINES + 1))
    more = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert hold(more * 48 + GOOD[1])
    assert not hold(more * 49 + GOOD[1])


def test_a_body_is_as_long_as_it_may_be_and_no_longer() -> None:
    for size, is_read in ((MOST, True), (MOST + 1, False)):
        body = b"x" * size
        assert hold(OK + b"Content-Length: %d\r\n\r\n%s" % (size, body)) == is_read
        assert hold(OK + b"\r\n" + body) == is_read
        assert hold(CHUNKED + b"1\r\nx\r\n%x\r\n%s\r\n0\r\n\r\n" % (size - 1, body[1:])) == is_read


def test_what_both_refuse_is_no_accident() -> None:
    """Without this, the two could agree because both refuse everything."""
    assert sum(theirs(answer) is not None for answer in ODD) > len(ODD) // 2


# ---------------------------------------------------------------- requests


def test_a_question_has_no_body_and_a_form_has_one() -> None:
    assert http1.request("GET", "qq.example", "/me?a=b", {"X": "y"}, None) == (
        b"GET /me?a=b HTTP/1.1\r\nHost: qq.example\r\nAccept-Encoding: identity\r\nX: y\r\n\r\n"
    )
    assert http1.request("POST", "h", "/", {}, b"\x00\r\n") == (
        b"POST / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\nContent-Length: 3\r\n\r\n\x00\r\n"
    )
    assert b"\r\nContent-Length: 0\r\n" in http1.request("POST", "h", "/", {}, None)


def test_a_header_that_is_given_is_not_said_twice() -> None:
    sent = http1.request("GET", "h", "/", {"host": "signed.example", "ACCEPT-ENCODING": "identity"}, None)
    assert sent.lower().count(b"host:") == sent.lower().count(b"accept-encoding:") == 1
    assert b"host: signed.example\r\n" in sent


@pytest.mark.parametrize(
    ("host", "target", "headers"),
    [
        ("h\r\nX: y", "/", {}),
        ("h", "", {}),
        ("h", "me", {}),
        ("h", "/a b", {}),
        ("h", "/a HTTP/1.1\r\nX:y", {}),
        ("h", "/\u7801", {}),
        ("h", "/\xe9", {}),
        ("h", "/", {"X": "a\r\nb"}),
        ("h", "/", {"X": "a\nb"}),
        ("h", "/", {"X": "a\r b"}),
        ("h", "/", {"X": "\x00"}),
        ("h", "/", {"X": "\u7801"}),
        ("h", "/", {"X\r\nY": "a"}),
        ("h", "/", {"X Y": "a"}),
        ("h", "/", {"": "a"}),
    ],
    ids=ascii,
)
def test_no_request_has_a_line_that_nobody_wrote(host: str, target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no request"):
        http1.request("GET", host, target, headers, None)
