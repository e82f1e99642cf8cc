"""The image code: makes each SMS cost its asker a look. Kept in the store, gone after one try."""

import secrets
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from phonebind import limits, signals, slots, store
from phonebind.exceptions import ImageCodeInvalid, ServerBusy

#: What the images are, and what draws them: heavy, so it is loaded with the first one.
MEDIA_TYPE = "image/jpeg"
_LIBRARIES = ("numpy", "PIL")
#: Seconds an image code lives.
EXPIRES_IN = 300

_redeem = store.Script("return redis.call('GETDEL', KEYS[1]) == ARGV[1] and 1 or 0")


def is_installed() -> bool:
    """Whether the libraries that draw are there; they are not loaded."""
    return all(find_spec(name) for name in _LIBRARIES)


def load() -> Any:
    """The module that draws. Raises ImportError."""
    return import_module("phonebind.human.image_drawing")


def issue(image_code_id: str, address: str) -> bytes:
    """A new image for this id, of ``MEDIA_TYPE``; the one before it stops being valid.

    Raises ServerBusy, and then nothing was counted; TooManyRequests, StorageUnavailable; ImportError without the
    libraries that draw.
    """
    image_drawing = load()
    text = "".join(secrets.choice(image_drawing.ALPHABET) for _ in range(image_drawing.LENGTH))
    # Before the drawing, and not in the place for it: who may not ask costs none, and a Valkey that hangs holds none.
    with limits.taken(("image_address_hour", address), unless=ServerBusy), slots.CHALLENGES.take(slots.MAKERS):
        image: bytes = image_drawing.draw(text, Random(secrets.randbits(64)))  # noqa: S311
    with store.connection() as client:
        client.set(store.key("image", image_code_id), text, ex=EXPIRES_IN)
    signals.image_code_issued.send_robust(sender=None, image_code_id=image_code_id, text=text)
    return image


def redeem(image_code_id: str, text: str) -> None:
    """Use the code up, right or wrong. Raises ImageCodeInvalid unless ``text`` (in any case) is what it shows."""
    if not _redeem(store.key("image", image_code_id), text.upper()):
        raise ImageCodeInvalid
