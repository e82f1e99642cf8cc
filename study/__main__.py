"""``python -m study``: how well OCR reads image codes. See docs/en/explanation/image-codes.md."""

import secrets
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import process_time

from bench.report import PAGES, Table, publish
from phonebind.human import image_drawing
from study import sheets, sight
from study.attack import FREELY, TOLD, Solved, attack, image_of, text_of
from study.chinese import in_chinese
from study.designs import DESIGNS, READ, RIVAL, SHIPPED
from study.reader import MODELS
from study.steps import STEPS

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "docs" / "images" / "image-codes.jpg"
COMPARED = ROOT / "docs" / "images" / "image-codes-compared.jpg"
BLIND = ROOT / "study" / "blind"

IMAGES = 300
DRAWN = 1_000
CHECKED = 100
#: If OCR reads this many or more of the checked images as they come, the check fails.
TOO_MANY = 5


def study() -> None:
    drawing = _drawing()
    solved = {}
    for design in DESIGNS:
        solved[design] = attack(design, IMAGES, with_steps=True)
        print(f"{design}: {_best(solved[design])}", flush=True)
    sheets.write(SHEET, [("", [image_of(SHIPPED, 4 * row + n) for n in range(4)]) for row in range(6)])
    sheets.write(COMPARED, [(design, [image_of(design, n) for n in range(3)]) for design in DESIGNS])
    tables = [_designs(solved), _steps(solved), _sight(), drawing]
    chinese, english = PAGES
    publish(tables, "image-codes", [english])
    publish([in_chinese(table) for table in tables], "image-codes", [chinese])


def check() -> None:
    most = {}
    for design in (SHIPPED, READ):
        solved = attack(design, CHECKED, with_steps=False)
        for (how, model), number in solved.items():
            print(f"{design}: {number} of {CHECKED} solved as they come ({model}, {how})")
        most[design] = max(solved.values())
    if most[READ] < CHECKED // 2:
        sys.exit("The OCR reads no design at all, so this check proves nothing.")
    if most[SHIPPED] >= TOO_MANY:
        sys.exit(f"OCR reads the image code: {TOO_MANY} of {CHECKED} or more.")


def blind(design: str) -> None:
    """Write images without their texts, for people to read. They are other images than those of the study."""
    seeds = [secrets.randbits(32) for _ in range(20)]
    BLIND.mkdir(exist_ok=True)
    rows = [seeds[start : start + 4] for start in range(0, len(seeds), 4)]
    labels = [f"{4 * n + 1} to {4 * n + 4}" for n in range(len(rows))]
    sheets.write(
        BLIND / "sheet.png",
        [(label, [image_of(design, seed) for seed in row]) for label, row in zip(labels, rows, strict=True)],
    )
    (BLIND / "answers.txt").write_text("\n".join(" ".join(map(text_of, row)) for row in rows) + "\n")
    print(f"{BLIND / 'sheet.png'}; the answers are in answers.txt beside it")


def _designs(solved: dict[str, Solved]) -> Table:
    as_it_comes = [f"as it comes, {model}" for model in MODELS]
    table = Table("designs", ["design", *as_it_comes, "told the alphabet", "after the best step"])
    for design, counts in solved.items():
        freely = [_percent(counts[FREELY, model]) for model in MODELS]
        table.add(design, *freely, _percent(_by_either(counts, TOLD)), _best(counts))
    return table


def _steps(solved: dict[str, Solved]) -> Table:
    designs = (SHIPPED, RIVAL)
    table = Table("steps", ["step", *designs])
    for step in sorted(STEPS, key=lambda step: _by_either(solved[SHIPPED], step), reverse=True):
        table.add(step, *(_percent(_by_either(solved[design], step)) for design in designs))
    return table


def _by_either(counts: Solved, step: str) -> int:
    return max(counts[step, model] for model in MODELS)


def _best(counts: Solved) -> str:
    step = max(STEPS, key=lambda step: _by_either(counts, step))
    return f"{_percent(_by_either(counts, step))} ({step})"


def _percent(number: int) -> str:
    return f"{100 * number / IMAGES:.0f} %"


def _sight() -> Table:
    pairs = [image_drawing.hues(Random(seed)) for seed in range(IMAGES)]
    lights = [float(image_drawing.luminance(Random(0)).min()), float(image_drawing.luminance(Random(0)).max())]
    table = Table("colour-vision", ["who sees with", "least ΔE"])
    for name in sight.SIGHTS:
        table.add(name, sight.least_distance(pairs, lights, name))
    return table


def _drawing() -> Table:
    cost = []
    for seed in range(DRAWN):
        text, random, start = text_of(seed), Random(seed), process_time()
        image_drawing.draw(text, random)
        cost.append((process_time() - start) * 1000)
    table = Table("drawing", ["CPU ms for an image", ""])
    table.add("median", median(cost))
    table.add("95th percentile", quantiles(cost, n=20)[-1])
    table.add("bytes, at most", max(len(image_of(SHIPPED, seed)) for seed in range(IMAGES)))
    return table


def main(arguments: Sequence[str]) -> None:
    parser = ArgumentParser(prog="python -m study", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check our design as it comes; fail if OCR reads it")
    parser.add_argument(
        "--blind", nargs="?", const=SHIPPED, choices=DESIGNS, help="only make a sheet for people to read"
    )
    asked = parser.parse_args(arguments)
    if asked.check:
        check()
    elif asked.blind:
        blind(asked.blind)
    else:
        study()


if __name__ == "__main__":
    main(sys.argv[1:])
