"""An image code as tutorials draw it: dark rotated letters in any colour on a light ground, with lines and dots."""

import io
from random import Random

from PIL import Image, ImageDraw, ImageFont

from phonebind.human.image_drawing import SIZE

FONT = ImageFont.load_default(48)
WIDTH, HEIGHT = SIZE
LINES = 4
DOTS = 60


def draw(text: str, random: Random) -> bytes:
    ground = tuple(random.randint(220, 255) for _ in range(3))
    image = Image.new("RGB", SIZE, ground)
    for index, char in enumerate(text):
        glyph = Image.new("L", (60, HEIGHT))
        ImageDraw.Draw(glyph).text((30, HEIGHT // 2), char, fill=255, font=FONT, anchor="mm")
        glyph = glyph.rotate(random.uniform(-25, 25), Image.Resampling.BICUBIC)
        place = (index * (WIDTH - 8) // len(text) + random.randint(-2, 2), random.randint(-6, 6))
        image.paste(_dark(random), place, glyph)
    pen = ImageDraw.Draw(image)
    for _ in range(LINES):
        pen.line([_point(random), _point(random)], fill=_dark(random), width=2)
    for _ in range(DOTS):
        x, y = _point(random)
        pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=_dark(random))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=75)
    return out.getvalue()


def _dark(random: Random) -> tuple[int, ...]:
    return tuple(random.randint(10, 150) for _ in range(3))


def _point(random: Random) -> tuple[int, int]:
    return random.randrange(WIDTH), random.randrange(HEIGHT)
