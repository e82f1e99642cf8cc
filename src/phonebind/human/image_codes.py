"""The image code: each SMS costs the client the reading of an image.

A code is kept in the store until the first try.
"""

import secrets
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from phonebind import limits, signals, slots, store
from phonebind.exceptions import ImageCodeInvalid, ServerBusy

#: The media type of images, and the libraries that draw them. They are large, so the first image imports them.
MEDIA_TYPE = "image/jpeg"
_LIBRARIES = ("numpy", "PIL")
#: Seconds that an image code is valid.
EXPIRES_IN = 300

_redeem = store.Script("return redis.call('GETDEL', KEYS[1]) == ARGV[1] and 1 or 0")


def is_installed() -> bool:
    """Whether the libraries for drawing are installed. Does not import them."""
    return all(find_spec(name) for name in _LIBRARIES)


def load() -> Any:
    """Import and return the module that draws. Raises ImportError."""
    return import_module("phonebind.human.image_drawing")


def issue(image_code_id: str, address: str) -> bytes:
    """A new image for this id, of ``MEDIA_TYPE``. The image before it becomes invalid.

    Raises ServerBusy, and then nothing was counted; TooManyRequests, StorageUnavailable; ImportError without the
    libraries for drawing.
    """
    image_drawing = load()
    text = "".join(secrets.choice(image_drawing.ALPHABET) for _ in range(image_drawing.LENGTH))
    # The limit is taken before the slot. A client over its limit takes no slot, and a Valkey that hangs blocks no slot.
    with limits.taken(("image_address_hour", address), unless=ServerBusy), slots.CHALLENGES.take(slots.MAKERS):
        image: bytes = image_drawing.draw(text, Random(secrets.randbits(64)))  # noqa: S311
    with store.connection() as client:
        client.set(store.key("image", image_code_id), text, ex=EXPIRES_IN)
    signals.image_code_issued.send_robust(sender=None, image_code_id=image_code_id, text=text)
    return image


def redeem(image_code_id: str, text: str) -> None:
    """Use the code up, right or wrong. Raises ImageCodeInvalid unless ``text``, in any case, equals the text of the
    image.
    """
    if not _redeem(store.key("image", image_code_id), text.upper()):
        raise ImageCodeInvalid
