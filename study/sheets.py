"""Sheets of images for people to look at."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from phonebind.human.image_drawing import SIZE

WIDTH, HEIGHT = SIZE
GAP = 6
LABEL = 20
FONT = ImageFont.load_default(13)


def write(path: Path, rows: Sequence[tuple[str, Sequence[bytes]]]) -> None:
    """One row of images below each label. The suffix of the file name sets the format."""
    columns = max(len(images) for _, images in rows)
    sheet = Image.new("RGB", (columns * (WIDTH + GAP) + GAP, len(rows) * (LABEL + HEIGHT) + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (label, images) in enumerate(rows):
        top = row * (LABEL + HEIGHT)
        pen.text((GAP, top + 2), label, fill="black", font=FONT)
        for column, image in enumerate(images):
            sheet.paste(Image.open(io.BytesIO(image)), (GAP + column * (WIDTH + GAP), top + LABEL))
    sheet.save(path, quality=75)
