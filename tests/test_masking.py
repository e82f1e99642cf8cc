"""What may appear in a log."""

import logging
from typing import Any
from urllib.parse import quote

import pytest

from phonebind import masking, mobiles


def said(message: str, *args: Any) -> str:
    """The message as a handler gets it."""
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, message, args, None)
    assert masking.mask(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/sms_codes/13900000001/", "/sms_codes/139****0001/"),
        ("/a/13900000001/13900000002/", "/a/139****0001/139****0002/"),
        # a person's spelling of it, which is refused and logged
        ("/sms_codes/+86 139-0000-0001/", "/sms_codes/+86139****0001/"),
        ("/sms_codes/%2B86%20139%200000%200001/", "/sms_codes/%2B86139****0001/"),
        ("/sms_codes/008613900000001/", "/sms_codes/0086139****0001/"),
        ("/sms_codes/%31%339000000%301/", "/sms_codes/139****0001/"),
        # a typing error in the number
        ("/sms_codes/139000000011/", "/sms_codes/139****00011/"),
        ("/sms_codes/13900000001-1/", "/sms_codes/139****00011/"),
        ("/sms_codes/13900000001%201/", "/sms_codes/139****00011/"),
        ("/a/13900000001+13900000002/", "/a/139****0001139****0002/"),
        ("2026-01-01 13900000001", "20260101139****0001"),
        # masked too: it is better to mask an order's number than to show one mobile
        ("/orders/2013900000001/", "/orders/20139****0001/"),
        ("/sms_codes/１３９０００００００１/", "/sms_codes/139****0001/"),
        ("/sms_codes/%EF%BC%91%EF%BC%93%ef%bc%99０００００００１/", "/sms_codes/139****0001/"),
        ("/sms_codes/%E2%80%AD139%C2%A00000%E2%80%910001%E2%80%AC/", "/sms_codes/%E2%80%AD139****0001%E2%80%AC/"),
        ("/sms_codes/\u202d139\u200b0000\u20110001\u202c/", "/sms_codes/\u202d139****0001\u202c/"),
        # not mobiles
        ("/orders/12900000001/", "/orders/12900000001/"),
        ("/sms_codes/1/", "/sms_codes/1/"),
    ],
)
def test_threat_9_a_mobile_is_masked(path: str, shown: str) -> None:
    assert said("%s: %s", "Bad Gateway", path) == f"Bad Gateway: {shown}"


#: All characters that are removed from a number, found by trying.
NOISE = [char for char in map(chr, range(0x10000)) if mobiles.clean(f"138{char}00000001") == "13800000001"]


@pytest.mark.parametrize("char", NOISE, ids=ascii)
def test_threat_9_a_mobile_is_masked_however_it_is_parted(char: str) -> None:
    """With each character that would be removed, both raw as Django writes it and percent-encoded as servers
    write it.
    """
    number = f"138{char}0000{char}0001"
    escaped = "".join(f"%{byte:02X}" for byte in char.encode())
    for spelled in (number, number.replace(char, escaped), number.replace(char, escaped.lower()), quote(number)):
        for path in (f"/sms_codes/{spelled}/", f"/sms_codes/%2B86{spelled}/"):
            assert said("%s", path) == path.replace(spelled, "138****0001")
    several = number.replace(char, char * 3)
    assert said("%s %s", several, quote(several)) == "138****0001 138****0001"


def test_threat_9_no_noise_goes_unnoticed() -> None:
    assert {"-", "\t", " ", "\u061c", "\u1680", "\u2212", "\ufe58", "\ufe63", "\uff0d"} <= set(NOISE)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/sms_receipts/aliyun/0123456789abcdef_-/", "/sms_receipts/aliyun/****/"),
        ("/shop/sms_receipts/aliyun-pnvs/secret?a=1", "/shop/sms_receipts/aliyun-pnvs/****?a=1"),
        ("/sms_receipts/tencent/%73ecret/ HTTP/1.1", "/sms_receipts/tencent/****/ HTTP/1.1"),
        ('"POST /sms_receipts/http/secret"', '"POST /sms_receipts/http/****"'),
        # with the id of a receipt a person can ask for this receipt, and for nothing else
        ("/sms_receipts/0123456789abcdefghij/ HTTP/1.1", "/sms_receipts/0123456789abcdefghij/ HTTP/1.1"),
    ],
)
def test_threat_9_the_secret_of_the_path_that_vendors_push_to_is_masked(path: str, shown: str) -> None:
    assert said("%s: %s", "Not Found", path) == f"Not Found: {shown}"
    assert masking.masked({"r": path}) == {"r": shown}


@pytest.mark.parametrize(
    "query",
    [
        "?code={}&state={}",
        "?text={}&image_code_id={}",
        "?human_check={}&without_image=1&text={}",
        "/?a=1&access_token={}",
        "?password={}&refresh={}&sms_code={}&token={}",
        "?image_code={}&uuid={}",
        "?openid={}",
        "?auth_code={}&authCode={}&mobile_proof={}&nonce={}",
    ],
)
def test_threat_9_a_secret_in_a_query_is_masked(query: str) -> None:
    written = said('"%s"', f"GET /oauth/qq/user/{query} HTTP/1.1".replace("{}", "s3cret"))
    assert "s3cret" not in written
    assert written.endswith(' HTTP/1.1"')


def test_a_query_by_itself_is_masked() -> None:
    """As gunicorn's ``%(q)s`` formats it."""
    assert said("%(q)s", {"q": "code=s3cret&next=/cart"}) == "code=****&next=/cart"


def test_the_values_of_sql_are_masked() -> None:
    record = logging.LogRecord("django.db.backends", logging.DEBUG, "", 0, "%s; args=%s", ("SELECT", ("a",)), None)
    params = ["13900000001", 7]
    record.__dict__ |= {"params": params, "args": ("SELECT", params)}
    assert masking.mask(record)
    assert record.getMessage() == "SELECT; args=('139****0001', 7)"
    assert vars(record)["params"] == ("139****0001", 7)
    assert params == ["13900000001", 7], "the query's own are left alone"


def test_threat_9_a_whole_sentence_is_masked_too() -> None:
    """gunicorn writes a request that it could not read into the message itself."""
    record = logging.LogRecord(
        "gunicorn.error", logging.WARNING, "", 0, "GET /sms_codes/13900000001/?text=ABCD'", (), None
    )
    assert masking.mask(record)
    assert record.getMessage() == "GET /sms_codes/139****0001/?text=****'"


def test_threat_9_what_a_database_names_in_an_error_is_masked() -> None:
    error = ValueError("Key (mobile)=(13900000001) already exists.")
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "Oops", (), (ValueError, error, None))
    assert masking.mask(record)
    said = logging.Formatter().format(record)
    assert "ValueError: Key (mobile)=(139****0001)" in said
    assert "13900000001" not in said


@pytest.mark.parametrize(
    "piece",
    [
        "%20",
        "2%20",
        "%E2%80%AD",
        "1%E2%80%AD",
        "1\u200b",
        "-",
        "1 ",
        "1%20%20%20%20",
        "%E2%88%92",
        "1%E2%88%92",
        "1\u2212",
        "%09",
        "%2D1",
        "?code=",
        "%3",
        "%31",
    ],
)
def test_threat_18_no_path_takes_long_to_mask(piece: str) -> None:
    """A million characters. With quadratic time for any of these the test would not end within a day."""
    long = piece * (1_000_000 // len(piece))
    said("%s", "1" + long)


def test_other_records_are_left_alone() -> None:
    assert said("%(status)s: %(n)d", {"status": "x", "n": 1}) == "x: 1"
    assert said("%d", 13900000001) == "13900000001"
    assert said("nothing to fill in") == "nothing to fill in"


def test_a_mapping_with_ways_of_its_own_keeps_them() -> None:
    """gunicorn's atoms return "-" for a key that they do not have."""

    class Atoms(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return "-"

    atoms = Atoms(r="GET /sms_codes/13900000001/ HTTP/1.1")
    assert said("%(r)s %(b)s", atoms) == "GET /sms_codes/139****0001/ HTTP/1.1 -"
    assert atoms["r"] == "GET /sms_codes/13900000001/ HTTP/1.1"


@pytest.mark.parametrize("name", masking.LOGGERS)
def test_every_logger_that_writes_paths_is_masked(name: str) -> None:
    assert masking.mask in logging.getLogger(name).filters


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13900000001", "139****0001"),
        ("+86 139-0000-0001", "139****0001"),
        ("１３９００００００００", "139****0000"),
        ("١٣٩٠٠٠٠٠٠٠١", ""),
        ("li", ""),
        ("23900000001", ""),
    ],
)
def test_a_mobile_by_itself(number: str, shown: str) -> None:
    assert masking.mobile(number) == shown
