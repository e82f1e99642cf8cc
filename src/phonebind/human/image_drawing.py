"""Draws image codes: letters and background differ only in hue.

Common OCR programs convert an image to grey first, and then nothing is left to read. Both hues have the same luminance,
except for noise that does not depend on the letters. Colour-blind people can tell blue and orange apart too. What the
images withstand, what can read them anyway, and what else was tried: docs/en/explanation/image-codes.md.
"""

import io
from functools import cache
from math import pi
from random import Random
from typing import TypeAlias

try:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw, ImageFont
except ImportError as error:
    raise ImportError("An image code needs Pillow and numpy: pip install 'phonebind[image]'") from error

#: Letters and digits that people do not confuse with each other.
ALPHABET = "ACDEFHJKMNPRTUWX3"
#: The number of letters that fit.
LENGTH = 4
SIZE = (200, 76)

Floats: TypeAlias = NDArray[np.float64]

_WIDTH, _HEIGHT = SIZE
#: Aileron Regular (CC0), which is part of Pillow. The size in pixels, and how much thicker each stroke becomes on each
#: side.
_FONT = ImageFont.load_default(64)
_STROKE = 2
#: The maximum turn of a letter in degrees. In pixels: the maximum shift of a letter up or down, the maximum bend of the
#: whole text, the free space between two letters, and the free space at the edges.
_TURN = 12
_SHIFT = 4
_BEND = 2.5
_GAP = 5
_MARGIN = 6
#: The side of a cell of noise, in pixels. The luminance of the darkest and of the brightest cell: between them, RGB can
#: show every hue below. Outside they would be clipped, and that would change the luminance where the letters are.
_CELL = 4
_DARKEST, _BRIGHTEST = 96, 160
#: The angle of the blue in the plane of Cb and Cr, and its maximum turn from image to image. Orange is opposite. Then
#: the minimum and maximum distance of both from grey.
_BLUE = -0.55
_BLUE_TURN = 0.25
_COLOURFUL = (48.0, 54.0)


def draw(text: str, random: Random) -> bytes:
    """The JPEG of ``text``: ``LENGTH`` letters of ``ALPHABET``, in ``SIZE``. A pure function of its arguments."""
    return coloured(letters(text, random) * random.choice((-1, 1)), random)


def letters(text: str, random: Random) -> Floats:
    """A plane of shape (76, 200): 1 in letters, -1 in the background, values between them at the edges.

    Each letter is turned and shifted a little, then all letters are bent together. Letters of any width touch neither
    each other nor the edge.
    """
    glyphs = [_turned(char, random.uniform(-_TURN, _TURN)) for char in text]
    room = _WIDTH - 2 * _MARGIN - _GAP * (len(text) - 1)
    narrower = min(1.0, room / sum(glyph.width for glyph in glyphs))
    widths = [int(glyph.width * narrower) for glyph in glyphs]
    moves = sorted(random.randint(0, room - sum(widths)) for _ in text)
    mask = Image.new("L", SIZE)
    left = _MARGIN
    for glyph, width, move in zip(glyphs, widths, moves, strict=True):
        free = (_HEIGHT - glyph.height) // 2
        shift = min(_SHIFT, free - _MARGIN)
        narrowed = glyph.resize((width, glyph.height), Image.Resampling.BICUBIC)
        mask.paste(narrowed, (left + move, free + random.randint(-shift, shift)))
        left += width + _GAP
    return _bent(np.asarray(mask), random) / 127.5 - 1


def hues(random: Random) -> tuple[Floats, Floats]:
    """A blue and its complementary orange, as distances of Cb and Cr from grey. Both have the shape (2,)."""
    angle = _BLUE + random.uniform(-_BLUE_TURN, _BLUE_TURN)
    blue = np.array([np.cos(angle), np.sin(angle)]) * random.uniform(*_COLOURFUL)
    return blue, -blue


def luminance(random: Random) -> Floats:
    """Noise in small cells, from 0 to 255. The shape is (76, 200)."""
    rows, columns = _HEIGHT // _CELL, _WIDTH // _CELL
    cells = np.frombuffer(random.randbytes(rows * columns), np.uint8).reshape(rows, columns)
    noise = np.interp(cells, (0, 255), (_DARKEST, _BRIGHTEST))
    return noise.repeat(_CELL, 0).repeat(_CELL, 1)


def coloured(plane: Floats, random: Random) -> bytes:
    """The JPEG of ``plane``, shape (76, 200): one hue where it is 1, the other hue where it is -1."""
    one, other = hues(random)
    return _encode(luminance(random), one + ((1 + plane) / 2)[..., None] * (other - one))


def _encode(light: Floats, chroma: Floats) -> bytes:
    """The JPEG of a luminance, shape (76, 200), and the distances of Cb and Cr from grey, shape (76, 200, 2)."""
    pixels = np.dstack([light, chroma + 128]).round().clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.frombytes("YCbCr", SIZE, pixels.tobytes()).save(out, "JPEG", quality=75, subsampling=0)
    return out.getvalue()


@cache
def _glyph(char: str) -> Image.Image:
    left, top, right, bottom = map(int, _FONT.getbbox(char, stroke_width=_STROKE))
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), char, fill=255, font=_FONT, stroke_width=_STROKE)
    return image


def _turned(char: str, degrees: float) -> Image.Image:
    turned = _glyph(char).rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    return turned.crop(turned.getbbox())


def _bent(mask: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    rows, columns = np.indices(mask.shape)
    down = rows + _BEND * np.sin(columns * random.uniform(0.02, 0.05) + random.uniform(0, 2 * pi))
    right = columns + _BEND * np.sin(rows * random.uniform(0.04, 0.08) + random.uniform(0, 2 * pi))
    bent: NDArray[np.uint8] = mask[_index(down, _HEIGHT), _index(right, _WIDTH)]
    return bent


def _index(place: Floats, end: int) -> NDArray[np.intp]:
    return place.round().clip(0, end - 1).astype(np.intp)
