"""The image code: makes each SMS cost its asker a look. Kept in the store, gone after one try."""

import secrets
from random import Random

from phonebind import image_drawing, limits, signals, slots, store
from phonebind.exceptions import ImageCodeInvalid, ServerBusy

#: Seconds an image code lives.
EXPIRES_IN = 300

_redeem = store.Script("return redis.call('GETDEL', KEYS[1]) == ARGV[1] and 1 or 0")


def issue(image_code_id: str, address: str) -> bytes:
    """A new image for this id, of ``image_drawing.MEDIA_TYPE``; the one before it stops being valid.

    Raises ServerBusy, and then nothing was counted; TooManyRequests, StorageUnavailable.
    """
    text = "".join(secrets.choice(image_drawing.ALPHABET) for _ in range(image_drawing.LENGTH))
    # Before the drawing, and not in the place for it: who may not ask costs none, and a Valkey that hangs holds none.
    with limits.taken(("image_address_hour", address), unless=ServerBusy), slots.CHALLENGES.take(slots.MAKERS):
        image = image_drawing.draw(text, Random(secrets.randbits(64)))  # noqa: S311
    with store.connection() as client:
        client.set(store.key("image", image_code_id), text, ex=EXPIRES_IN)
    signals.image_code_issued.send_robust(sender=None, image_code_id=image_code_id, text=text)
    return image


def redeem(image_code_id: str, text: str) -> None:
    """Use the code up, right or wrong. Raises ImageCodeInvalid unless ``text`` (in any case) is what it shows."""
    if not _redeem(store.key("image", image_code_id), text.upper()):
        raise ImageCodeInvalid
