"""How many images of a design OCR solves: as they come, and after each preparation step."""

import io
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from random import Random
from typing import TypeAlias

from PIL import Image

from phonebind.human.image_drawing import ALPHABET, LENGTH
from study.designs import DESIGNS
from study.reader import MODELS, Reader
from study.steps import STEPS

#: For images as they come: the model's free reading, and its reading when it knows the alphabet.
FREELY, TOLD = "freely", "told"

#: The number of solved images, by preparation and by model.
Solved: TypeAlias = Counter[tuple[str, str]]


def text_of(seed: int) -> str:
    """The text of the image with this seed; it is the same in every design."""
    return "".join(Random(f"text {seed}").choices(ALPHABET, k=LENGTH))


def image_of(design: str, seed: int) -> bytes:
    return DESIGNS[design](text_of(seed), Random(seed))


def attack(design: str, images: int, *, with_steps: bool) -> Solved:
    """Attack the first ``images`` images, on all cores."""
    solved: Solved = Counter()
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        for job in [pool.submit(_attack, design, seed, with_steps=with_steps) for seed in range(images)]:
            solved.update(job.result())
    return solved


def _attack(design: str, seed: int, *, with_steps: bool) -> Solved:
    text = text_of(seed)
    image = Image.open(io.BytesIO(image_of(design, seed))).convert("RGB")
    prepared = {step: prepare(image) for step, prepare in STEPS.items()} if with_steps else {}
    solved: Solved = Counter()
    for model in MODELS:
        reader = _reader(model)
        reading = reader.read(image)
        solved[FREELY, model] += reading.freely.upper() == text
        solved[TOLD, model] += reading.told.upper() == text
        for step, grey in prepared.items():
            solved[step, model] += reader.read(grey).solves(text)
    return solved


#: Each process has its own reader.
_reader = cache(Reader)
