"""The picture in docs/{zh,en}/explanation/performance.md: the cost of one sign-in for all contenders, on one scale."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bench.contenders import ROOT

mpl.use("Agg")
from matplotlib import pyplot as plt

PICTURE = ROOT / "docs" / "images" / "performance.png"


def bars(costs: Sequence[tuple[str, float]], path: Path = PICTURE) -> None:
    """``costs`` are titles and CPU milliseconds. The scale is logarithmic, since they differ a hundredfold."""
    costs = sorted(costs, key=lambda cost: cost[1], reverse=True)
    figure, axes = plt.subplots(figsize=(8, 3.2), dpi=150, layout="constrained")
    colours = ["#d9480f" if title == "phonebind" else "#9aa5b1" for title, _ in costs]
    drawn = axes.barh([title for title, _ in costs], [cost for _, cost in costs], color=colours)
    axes.bar_label(drawn, labels=[f"{cost:.1f}" for _, cost in costs], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=max(cost for _, cost in costs) * 2)
    axes.set_xlabel("CPU milliseconds of the server for one returning sign-in over HTTPS (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    plt.close(figure)
