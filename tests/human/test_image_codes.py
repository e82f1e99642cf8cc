"""The image code: each SMS needs a new answer."""

import io
import secrets
from collections.abc import Iterator
from random import Random

import pytest
from PIL import Image

from phonebind import signals, slots, store
from phonebind.exceptions import ImageCodeInvalid, ServerBusy, TooManyRequests
from phonebind.human import image_codes, image_drawing
from phonebind.slots import Slots
from tests.support.edge import Configure

ID = "0f6a5c1e-6b1d-4b60-9f3b-2f0c7a1d3e55"
OTHER = "1f6a5c1e-6b1d-4b60-9f3b-2f0c7a1d3e55"
ADDRESS = "192.0.2.1"


@pytest.fixture
def shown() -> Iterator[dict[str, str]]:
    """The text of each image."""
    texts: dict[str, str] = {}

    def look(image_code_id: str, text: str, **kwargs: object) -> None:
        texts[image_code_id] = text

    signals.image_code_issued.connect(look)
    yield texts
    signals.image_code_issued.disconnect(look)


def test_it_is_an_image_of_what_redeems_it(shown: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, bytes] = {}
    draw = image_drawing.draw

    def watched(text: str, random: Random) -> bytes:
        return drawn.setdefault(text, draw(text, random))

    monkeypatch.setattr(image_drawing, "draw", watched)
    image = image_codes.issue(ID, ADDRESS)
    assert drawn == {shown[ID]: image}
    assert Image.open(io.BytesIO(image)).get_format_mimetype() == image_codes.MEDIA_TYPE


def test_no_two_of_one_text_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "choice", lambda letters: letters[0])
    assert image_codes.issue(ID, ADDRESS) != image_codes.issue(ID, ADDRESS)


def test_what_it_shows_redeems_it(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    image_codes.redeem(ID, shown[ID])


def test_upper_and_lower_case_are_the_same(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    image_codes.redeem(ID, shown[ID].lower())


def test_threat_13_right_it_is_used_up(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    image_codes.redeem(ID, shown[ID])
    with pytest.raises(ImageCodeInvalid):
        image_codes.redeem(ID, shown[ID])


@pytest.mark.parametrize("wrong", ["", "0000", " ", "\x00", "购物", "A" * 1000])
def test_threat_13_wrong_it_is_used_up(shown: dict[str, str], wrong: str) -> None:
    image_codes.issue(ID, ADDRESS)
    for text in (wrong, shown[ID]):
        with pytest.raises(ImageCodeInvalid):
            image_codes.redeem(ID, text)


@pytest.mark.parametrize("text", ["", "AAAA", "false", "nil"])
def test_one_that_was_never_drawn_is_redeemed_by_nothing(text: str) -> None:
    with pytest.raises(ImageCodeInvalid):
        image_codes.redeem(ID, text)


def test_a_new_image_replaces_the_one_before(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    before = shown[ID]
    while shown[ID] == before:
        image_codes.issue(ID, ADDRESS)
    with pytest.raises(ImageCodeInvalid):
        image_codes.redeem(ID, before)


def test_each_id_has_its_own(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    image_codes.issue(OTHER, ADDRESS)
    image_codes.redeem(OTHER, shown[OTHER])
    image_codes.redeem(ID, shown[ID])


def test_it_lives_for_five_minutes(shown: dict[str, str]) -> None:
    image_codes.issue(ID, ADDRESS)
    with store.connection() as client:
        assert 295 < client.ttl(store.key("image", ID)) <= 300
        client.pexpire(store.key("image", ID), 0)
    with pytest.raises(ImageCodeInvalid):
        image_codes.redeem(ID, shown[ID])


def test_threat_13_three_hundred_an_hour_for_one_address(shown: dict[str, str]) -> None:
    for _ in range(300):
        image_codes.issue(ID, ADDRESS)
    last = shown[ID]
    with pytest.raises(TooManyRequests) as refused:
        image_codes.issue(ID, ADDRESS)
    assert refused.value.retry_after in range(3_500, 3_601)
    image_codes.issue(OTHER, "192.0.2.2")
    image_codes.redeem(ID, last)


def test_a_listener_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(**kwargs: object) -> None:
        raise ValueError

    signals.image_code_issued.connect(broken)
    try:
        assert image_codes.issue(ID, ADDRESS)
    finally:
        signals.image_code_issued.disconnect(broken)
    assert "broken" in caplog.text


def test_no_two_are_alike_for_long(shown: dict[str, str]) -> None:
    texts = set()
    for _ in range(50):
        image_codes.issue(ID, ADDRESS)
        texts.add(shown[ID])
    assert len(texts) > 45
    assert all(len(text) == 4 and set(text) <= set(image_drawing.ALPHABET) for text in texts)


# ---------------------------------------------------------------- a flood


def stored() -> dict[bytes, bytes | None]:
    with store.connection() as client:
        return {key: client.dump(key) for key in client.scan_iter()}


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Slots:
    """The places to draw images. No request waits."""
    places = Slots(ServerBusy, patience=0, longest=0)
    monkeypatch.setattr(slots, "CHALLENGES", places)
    return places


def test_threat_13_who_finds_no_place_to_draw_is_told_so_and_nothing_is_counted_or_stored(
    shown: dict[str, str], places: Slots
) -> None:
    image_codes.issue(ID, ADDRESS)
    before = stored()
    with places.take(1):
        for image_code_id in (ID, OTHER):
            with pytest.raises(ServerBusy):
                image_codes.issue(image_code_id, ADDRESS)
    assert stored() == before
    assert shown.keys() == {ID}
    image_codes.redeem(ID, shown[ID])


def test_one_draws_at_a_time(places: Slots, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(text: str, random: Random) -> bytes:
        with pytest.raises(ServerBusy), places.take(1):
            pass
        return b"drawn"

    monkeypatch.setattr(image_drawing, "draw", draw)
    for _ in range(2):
        assert image_codes.issue(ID, ADDRESS) == b"drawn"


def test_threat_13_who_may_not_ask_costs_no_drawing(monkeypatch: pytest.MonkeyPatch, phonebind: Configure) -> None:
    phonebind(limits={"image_address_hour": (1, 3_600)})
    image_codes.issue(ID, ADDRESS)
    monkeypatch.delattr(image_drawing, "draw")
    with pytest.raises(TooManyRequests):
        image_codes.issue(ID, ADDRESS)
