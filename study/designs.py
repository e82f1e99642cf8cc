"""The designs that are compared: each ``draw(text, random)`` returns the image and is a pure function of its arguments.

They share letters and noise with the design that is shipped. So each differs from it only in what its name says.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

import numpy as np

from phonebind.human import image_drawing
from phonebind.human.image_drawing import SIZE, Floats, coloured, letters
from study import first, tutorial

Draw: TypeAlias = Callable[[str, Random], bytes]

WIDTH, HEIGHT = SIZE
#: Pixels: the side of a square of uniform chroma.
CELL = 4


def faded(text: str, random: Random) -> bytes:
    """The two hues come closer to each other from one edge of the image to the other."""
    strength = np.linspace(1, 0.25, WIDTH)[:: random.choice((-1, 1))]
    return coloured(letters(text, random) * strength, random)


def speckled(text: str, random: Random) -> bytes:
    """Some small cells have the other hue."""
    return coloured(letters(text, random) * cells(random, lambda: random.choices((1.0, -1.0), (4, 1))[0]), random)


def pale(text: str, random: Random) -> bytes:
    """Weak colours, and their strength differs from cell to cell."""
    return coloured(letters(text, random) * cells(random, lambda: random.uniform(0.1, 0.4)), random)


def exchanged(text: str, random: Random) -> bytes:
    """The hues are exchanged on the other side of a curve, so neither hue belongs to the letters alone."""
    return coloured(letters(text, random) * sides(random), random)


def with_ribbon(text: str, random: Random) -> bytes:
    """The hues are exchanged on the other side of the curve, and inside a ribbon that is as wide as a stroke."""
    along = np.linspace(0, 2 * np.pi, WIDTH)
    middle = HEIGHT / 2 + 10 * np.sin(random.uniform(1, 2) * along + random.uniform(0, 2 * np.pi))
    ribbon = np.clip(abs(np.arange(HEIGHT)[:, None] - middle) - 4, -1, 1)
    return coloured(letters(text, random) * sides(random) * ribbon, random)


def in_a_lattice(text: str, random: Random) -> bytes:
    """The hues are exchanged on the other side of the curve, and again from each letter to the next."""
    sign = sides(random)
    for place in range(50, WIDTH, 50):
        sign = sign * np.clip(np.arange(WIDTH) - place - random.uniform(-10, 10), -1, 1)
    return coloured(letters(text, random) * sign, random)


def sides(random: Random) -> Floats:
    """1 on one side of a smooth curve that runs through all letters, -1 on the other; shape (76, 200)."""
    along = np.linspace(0, 2 * np.pi, WIDTH)
    curve = np.full(WIDTH, HEIGHT / 2 + random.uniform(-3, 3))
    for waves, height in ((random.uniform(1, 2), 9), (random.uniform(2, 4), 3)):
        curve += height * np.sin(waves * along + random.uniform(0, 2 * np.pi))
    below: Floats = np.clip(np.arange(HEIGHT)[:, None] - curve, -1, 1)
    return below * random.choice((-1, 1))


def cells(random: Random, value: Callable[[], float]) -> Floats:
    rows, columns = HEIGHT // CELL, WIDTH // CELL
    values = np.array([value() for _ in range(rows * columns)]).reshape(rows, columns)
    return values.repeat(CELL, 0).repeat(CELL, 1)


SHIPPED = "hue alone"
#: A design that any OCR reads.
READ = "like a tutorial's"
#: The steps against our design are compared on this one too.
RIVAL = "exchanged beyond a curve"
DESIGNS: Mapping[str, Draw] = {
    READ: tutorial.draw,
    "our first form": first.draw,
    SHIPPED: image_drawing.draw,
    "faded": faded,
    "speckled": speckled,
    "pale": pale,
    RIVAL: exchanged,
    "exchanged, and within a ribbon": with_ribbon,
    "exchanged in a lattice": in_a_lattice,
}
