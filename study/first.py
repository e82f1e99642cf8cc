"""The first design of phonebind's image code: always the same hue for the letters, and the same one for the ground."""

import io
from random import Random

from PIL import Image, ImageDraw, ImageFont

from phonebind.human.image_drawing import SIZE

_GLYPH = 60
_CELL = 4
_FONT = ImageFont.load_default(_GLYPH)


def draw(text: str, random: Random) -> bytes:
    """The JPEG of ``text``, 200x76; a pure function of its arguments."""
    hues = [(60, 120, 255), (255, 140, 40)]
    random.shuffle(hues)
    light = _noise(random)
    ink, ground = (_tint(hue, light) for hue in hues)
    out = io.BytesIO()
    Image.composite(ink, ground, _glyphs(text, random)).save(out, "JPEG", quality=75)
    return out.getvalue()


def _noise(random: Random) -> Image.Image:
    """Luminance in small cells, the same for letters and ground."""
    width, height = SIZE[0] // _CELL, SIZE[1] // _CELL
    cells = bytes(random.choices(range(90, 191), k=width * height))
    return Image.frombytes("L", (width, height), cells).resize(SIZE, Image.Resampling.NEAREST)


def _tint(hue: tuple[int, int, int], light: Image.Image) -> Image.Image:
    """``hue`` everywhere, with the luminance of ``light``. A grey copy keeps only Y of YCbCr."""
    _, blue, red = (band.resize(SIZE) for band in Image.new("RGB", (1, 1), hue).convert("YCbCr").split())
    return Image.merge("YCbCr", (light, blue, red)).convert("RGB")


def _glyphs(text: str, random: Random) -> Image.Image:
    """The letters as a mask: each is shifted and rotated a little, then all are distorted together."""
    mask = Image.new("L", SIZE)
    for index, char in enumerate(text):
        glyph = Image.new("L", (_GLYPH, SIZE[1]))
        ImageDraw.Draw(glyph).text((_GLYPH // 2, SIZE[1] // 2), char, fill=255, font=_FONT, anchor="mm", stroke_width=1)
        glyph = glyph.rotate(random.uniform(-15, 15), Image.Resampling.BICUBIC)
        left = 2 + index * (SIZE[0] - 4) // len(text) + random.randint(-7, -3)
        mask.paste(255, (left, random.randint(-4, 4)), glyph)
    return mask.transform(SIZE, Image.Transform.QUAD, _bent(random), Image.Resampling.BICUBIC)


def _bent(random: Random) -> tuple[float, ...]:
    """The corners, each moved a little: upper left, lower left, lower right, upper right."""
    width, height = SIZE
    corners = (0, 0, 0, height, width, height, width, 0)
    return tuple(corner + random.uniform(-4, 4) for corner in corners)
