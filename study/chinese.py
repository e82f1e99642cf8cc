"""The tables of docs/zh/explanation/image-codes.md: those of the English page, with Chinese words."""

import re
from collections.abc import Mapping

from bench.report import Table

WORDS: Mapping[str, str] = {
    # Columns
    "design": "设计",
    "as it comes, default": "原图，default",
    "as it comes, beta": "原图，beta",
    "told the alphabet": "告诉它字母表",
    "after the best step": "最有效的一步之后",
    "step": "步骤",
    "who sees with": "用什么看",
    "least ΔE": "最小 ΔE",
    "CPU ms for an image": "一张图片的 CPU 毫秒数",
    # Designs
    "like a tutorial's": "课程里的样子",
    "our first form": "我们最初的样子",
    "hue alone": "只有色相",
    "faded": "渐淡",
    "speckled": "斑点",
    "pale": "浅色",
    "exchanged beyond a curve": "曲线两侧互换",
    "exchanged, and within a ribbon": "互换，加一条带子",
    "exchanged in a lattice": "网格互换",
    # Steps
    "red": "红",
    "green": "绿",
    "blue": "蓝",
    "Cb": "Cb",
    "Cr": "Cr",
    "hue": "色相",
    "saturation": "饱和度",
    "Cb-Cr": "Cb-Cr",
    "Cb-Cr, inverted": "Cb-Cr，反相",
    "Cb-Cr, twice as large": "Cb-Cr，放大两倍",
    "Cb-Cr, median": "Cb-Cr，中值滤波",
    "Cb-Cr, Otsu": "Cb-Cr，大津法",
    "main axis of chroma": "色度主轴",
    "grey, median": "灰度，中值滤波",
    "grey, Otsu": "灰度，大津法",
    "two clusters of RGB": "RGB 聚成两类",
    "two clusters of chroma": "色度聚成两类",
    "outlines of Cb-Cr": "Cb-Cr 的轮廓",
    "Cb-Cr less its surroundings": "Cb-Cr 减去周围",
    # Colour vision
    "all cones": "全部视锥细胞",
    "protanopia (no red cones)": "红色盲（没有感红的视锥细胞）",
    "deuteranopia (no green cones)": "绿色盲（没有感绿的视锥细胞）",
    "tritanopia (no blue cones)": "蓝色盲（没有感蓝的视锥细胞）",
    # Drawing
    "median": "中位数",
    "95th percentile": "95 百分位",
    "bytes, at most": "字节数，最多",
}

_AFTER = re.compile(r"(\d+ %) \((.+)\)")
_NUMBER = re.compile(r"[\d.]*(?: %)?")


def in_chinese(table: Table) -> Table:
    """The same figures. Raises KeyError for words that have no Chinese yet."""
    return Table(table.name, [_cell(each) for each in table.columns], [[*map(_cell, row)] for row in table.rows])


def _cell(text: str) -> str:
    if after := _AFTER.fullmatch(text):
        return f"{after[1]}（{WORDS[after[2]]}）"
    return text if _NUMBER.fullmatch(text) else WORDS[text]
