"""Whether colour-blind people see the letters: the distance between the two hues as they see them.

The simulation is that of Machado, Oliveira and Fernandes (2009) at full severity, on linear RGB. The distance is CIE
1976's ΔE, of which 2.3 is just noticeable.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from phonebind.human.image_drawing import Floats

SIGHTS: Mapping[str, list[list[float]]] = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia (no red cones)": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia (no green cones)": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia (no blue cones)": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}

_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def least_distance(pairs: Iterable[tuple[Floats, Floats]], lights: Iterable[float], sight: str) -> float:
    """The least ΔE between the two hues of a pair, over all pairs and luminances."""
    matrix = np.array(SIGHTS[sight])
    lights = list(lights)
    return min(
        float(np.linalg.norm(_lab(matrix @ _linear(light, one)) - _lab(matrix @ _linear(light, other))))
        for one, other in pairs
        for light in lights
    )


def _linear(light: float, chroma: Floats) -> NDArray[np.float64]:
    blue, red = chroma
    rgb = np.array([light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.cbrt(_XYZ @ np.clip(rgb, 0, 1) / _XYZ.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
