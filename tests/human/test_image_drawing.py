"""What an image code looks like to people, and to a program that turns it grey."""

import io
import itertools
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phonebind.human.image_codes import MEDIA_TYPE
from phonebind.human.image_drawing import ALPHABET, SIZE, draw, hues, letters, luminance

WIDTH, HEIGHT = SIZE
SEEDS = range(20)
#: The widest and the narrowest neighbours, and all letters between them.
TEXTS = ["WMWM", "WWWW", "JJJJ", "3J3J", "ACDE", "HJKM", "NPRT", "UWX3", "FACE"]


class Extreme(Random):
    """Random numbers at the end of their range: one end for ranges that include negative numbers, another for the
    other ranges, and one value for noise.
    """

    def __init__(self, share: float, light: int = 0, strength: float = 1.0) -> None:
        super().__init__()
        self.share, self.light, self.strength = share, light, strength

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * (self.share if a < 0 else self.strength)

    def randbytes(self, n: int) -> bytes:
        return bytes([self.light]) * n


def planes(image: bytes) -> NDArray[np.float64]:
    """Y, Cb and Cr as a decoder sees them; shape (76, 200, 3)."""
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB").convert("YCbCr"), dtype=float)


def drawn(text: str, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The letters, and the image that was drawn from them."""
    return letters(text, Random(seed)), planes(draw(text, Random(seed)))


def parts(mask: NDArray[np.bool_]) -> int:
    """The number of groups of neighbouring columns that are not empty."""
    columns = np.concatenate([[False], mask.any(axis=0)])
    return int((columns[1:] & ~columns[:-1]).sum())


def test_it_is_an_image_of_the_announced_kind_and_size() -> None:
    image = Image.open(io.BytesIO(draw("ACDE", Random(1))))
    assert (image.get_format_mimetype(), image.size) == (MEDIA_TYPE, SIZE)


def test_it_is_a_pure_function() -> None:
    assert draw("ACDE", Random(1)) == draw("ACDE", Random(1))
    assert draw("ACDE", Random(1)) != draw("ACDE", Random(2))
    assert draw("ACDE", Random(1)) != draw("ACDH", Random(1))


def test_nothing_in_it_is_easily_confused() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 17
    assert not set(ALPHABET) & set("0OQ1IL2Z5S6G8BVY")
    assert ALPHABET.isupper()


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_small(text: str) -> None:
    assert all(len(draw(text, Random(seed))) < 8_000 for seed in SEEDS)


# ---------------------------------------------------------------- letters


@pytest.mark.parametrize(("char", "place"), [*itertools.product(ALPHABET, range(4))])
def test_no_letter_is_cut_off(char: str, place: int) -> None:
    """At every place, beside the widest neighbours."""
    text = "WWW"[:place] + char + "WWW"[place:]
    for seed in SEEDS:
        mask = letters(text, Random(seed))
        inside = mask[2:-2, 2:-2] > -1
        assert (mask > -1).sum() == inside.sum()
        assert 2_500 < (mask > 0).sum() < 7_500


@pytest.mark.parametrize("char", ALPHABET)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_letter_is_cut_off_that_is_turned_as_far_as_it_may_be(char: str, share: float) -> None:
    mask = letters(char * 4, Extreme(share))
    assert (mask > -1).sum() == (mask[2:-2, 2:-2] > -1).sum()


@pytest.mark.parametrize("pair", ["".join(pair) for pair in itertools.combinations_with_replacement("WMNHKXAU", 2)])
def test_neighbours_do_not_merge(pair: str) -> None:
    for seed in SEEDS:
        assert parts(letters(pair * 2, Random(seed)) > -0.5) == 4


def test_letters_are_high_and_stand_elsewhere_in_each_image() -> None:
    masks = [letters("ACDE", Random(seed)) > 0 for seed in SEEDS]
    assert all(40 < mask.any(axis=1).sum() < 72 for mask in masks)
    assert len({mask.tobytes() for mask in masks}) == len(masks)


# ---------------------------------------------------------------- hues


@pytest.mark.parametrize("text", TEXTS)
def test_in_grey_there_is_nothing_to_read(text: str) -> None:
    """Letters and background have the same luminance. What is left is noise that does not depend on the letters."""
    for seed in SEEDS:
        mask, image = drawn(text, seed)
        random = Random(seed)
        letters(text, random), random.choice((-1, 1)), hues(random)
        left = image[..., 0] - luminance(random)
        assert abs(left).mean() < 4
        assert image[..., 0].std() > 15
        assert abs(left[mask > 0].mean() - left[mask < 0].mean()) < 1


@pytest.mark.parametrize("text", TEXTS)
def test_in_colour_there_is_and_either_hue_may_be_the_ink(text: str) -> None:
    inks = set()
    for seed in SEEDS:
        mask, image = drawn(text, seed)
        blue = image[..., 1] - image[..., 2]
        difference = blue[mask == 1].mean() - blue[mask == -1].mean()
        assert abs(difference) > 80
        inks.add(np.sign(difference))
    assert inks == {-1, 1}


def test_the_hues_vary_within_blue_and_orange() -> None:
    pairs = [hues(Random(seed)) for seed in SEEDS]
    assert len({pair[0].tobytes() for pair in pairs}) == len(pairs)
    for (blue, red), (less_blue, less_red) in pairs:
        assert blue > 30
        assert red < 0
        assert (less_blue, less_red) == (-blue, -red)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("light", [0, 255])
def test_no_screen_cuts_a_hue_off(share: float, light: int) -> None:
    """A colour outside of RGB would get another luminance, and then the letters could be read in grey."""
    y = luminance(Extreme(share, light))[0, 0]
    for strongest in (0.0, 1.0):
        for blue, red in hues(Extreme(share, light, strongest)):
            rgb = [y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue]
            assert all(0 <= value <= 255 for value in rgb), rgb
