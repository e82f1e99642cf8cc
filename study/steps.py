"""What an attacker may do to an image before OCR reads it: each step takes RGB and returns the image for OCR.

The set is fixed. No step was made for one design, except the last two, which work whichever hue the letters have.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

Step: TypeAlias = Callable[[Image.Image], Image.Image]
Pixels: TypeAlias = NDArray[np.float64]


def channel(mode: str, name: str) -> Step:
    return lambda image: ImageOps.autocontrast(image.convert(mode).getchannel(name))


def blue_minus_red(image: Image.Image) -> Image.Image:
    chroma = _pixels(image.convert("YCbCr"))
    return _grey(chroma[..., 1] - chroma[..., 2])


def principal(image: Image.Image) -> Image.Image:
    """Project on the line along which this image's own hues differ most."""
    chroma = _pixels(image.convert("YCbCr"))[..., 1:]
    chroma = chroma - chroma.mean(axis=(0, 1))
    flat = chroma.reshape(-1, 2)
    return _grey(chroma @ np.linalg.eigh(flat.T @ flat)[1][:, -1])


def two_clusters(mode: str, first: int) -> Step:
    """k-means with two clusters, in the channels of ``mode`` from ``first`` on. It begins with the least and the
    greatest value.
    """

    def step(image: Image.Image) -> Image.Image:
        flat = _pixels(image.convert(mode))[..., first:].reshape(-1, 3 - first)
        centres = flat[[flat[:, 0].argmin(), flat[:, 0].argmax()]]
        for _ in range(10):
            nearest = ((flat[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
            # No cluster is ever empty: the two starting points are the farthest apart.
            centres = np.array([flat[nearest == n].mean(axis=0) for n in (0, 1)])
        return _grey(nearest.reshape(image.height, image.width).astype(float))

    return step


def otsu(step: Step) -> Step:
    """Black and white, with the threshold that separates the two classes best."""

    def cut(image: Image.Image) -> Image.Image:
        grey = step(image)
        counts = np.array(grey.histogram(), dtype=float)
        below = counts.cumsum()
        above = below[-1] - below
        sums = (counts * np.arange(256)).cumsum()
        with np.errstate(divide="ignore", invalid="ignore"):
            between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
        best = int(np.nan_to_num(between).argmax())
        return grey.point(lambda value: 255 if value > best else 0)

    return cut


def median(step: Step) -> Step:
    return lambda image: step(image).filter(ImageFilter.MedianFilter(5))


def outlines(image: Image.Image) -> Image.Image:
    down, right = np.gradient(_pixels(blue_minus_red(image).filter(ImageFilter.GaussianBlur(1))))
    return _grey(-np.hypot(down, right))


def without_sides(image: Image.Image) -> Image.Image:
    """How much each pixel differs from its surroundings. Letters are thin, and the sides of a curve are wide."""
    plane = blue_minus_red(image)
    return _grey(-abs(_pixels(plane) - _pixels(plane.filter(ImageFilter.BoxBlur(12)))))


def grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


STEPS: Mapping[str, Step] = {
    "red": channel("RGB", "R"),
    "green": channel("RGB", "G"),
    "blue": channel("RGB", "B"),
    "Cb": channel("YCbCr", "Cb"),
    "Cr": channel("YCbCr", "Cr"),
    "hue": channel("HSV", "H"),
    "saturation": channel("HSV", "S"),
    "Cb-Cr": blue_minus_red,
    "Cb-Cr, inverted": lambda image: ImageOps.invert(blue_minus_red(image)),
    "Cb-Cr, twice as large": lambda image: ImageOps.scale(blue_minus_red(image), 2),
    "Cb-Cr, median": median(blue_minus_red),
    "Cb-Cr, Otsu": otsu(blue_minus_red),
    "main axis of chroma": principal,
    "grey, median": median(grey),
    "grey, Otsu": otsu(grey),
    "two clusters of RGB": two_clusters("RGB", 0),
    "two clusters of chroma": two_clusters("YCbCr", 1),
    "outlines of Cb-Cr": outlines,
    "Cb-Cr less its surroundings": without_sides,
}


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, dtype=float)


def _grey(plane: Pixels) -> Image.Image:
    low, high = plane.min(), plane.max()
    return Image.fromarray(((plane - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
