"""Synthetic scenes: which shapes lie where. A pure function of a random generator; drawing is in drawing.py.

Sizes are multiples of 28, so that Qwen2.5-VL's image processor never resamples the pictures. The order of the draws
from the generator is part of the data set: changing it changes every row and picture.
"""
from __future__ import annotations

import math
import random
from dataclasses import dataclass

SHAPES = ["circle", "square", "triangle", "star", "heart", "diamond"]
COLORS = {
    "red": (224, 52, 56),
    "orange": (246, 138, 30),
    "yellow": (248, 208, 44),
    "green": (52, 164, 92),
    "blue": (44, 110, 222),
    "purple": (138, 72, 200),
    "pink": (244, 122, 184),
}
SIZES = [(112, 112), (112, 84), (84, 112)]  # width, height in pixels
BACKGROUND_COUNT = 7
BACKGROUND_WEIGHTS = [4, 4, 4, 4, 4, 2, 2]  # the last two are dark and rarer
TEXTURES = ["plain", "plain", "dots", "stripes", "grid", "bokeh"]


@dataclass
class Item:
    """One shape: centre (x, y) and radius r in pixels, y down; angle in degrees."""

    shape: str
    color: str
    x: float
    y: float
    r: float
    big: bool
    angle: float

    @property
    def name(self) -> str:
        return f"{self.color} {self.shape}"


@dataclass
class Scene:
    """A picture's content. `seed` is for details of drawing that no question asks about."""

    width: int
    height: int
    items: list[Item]
    background: int
    texture: str
    seed: int


def random_scene(rng: random.Random) -> Scene:
    """One to four shapes that do not touch, on a random backdrop."""
    width, height = rng.choices(SIZES, [6, 2, 2])[0]
    roomy = width * height == 112 * 112
    wanted = rng.choices([1, 2, 3, 4], [1, 3, 4, 3] if roomy else [1, 4, 3, 0])[0]
    items: list[Item] = []
    for _ in range(wanted):
        # repeats are wanted now and then, or counting would always say "one"
        shape = rng.choice(items).shape if items and rng.random() < 0.22 else rng.choice(SHAPES)
        color = rng.choice(items).color if items and rng.random() < 0.22 else rng.choice(list(COLORS))
        if any(i.shape == shape and i.color == color for i in items) and rng.random() < 0.7:
            color = rng.choice([c for c in COLORS if c != color])
        big = rng.random() < 0.5
        r = rng.uniform(17, 20) if big else rng.uniform(11, 13)
        for _try in range(60):
            x, y = rng.uniform(r + 3, width - r - 3), rng.uniform(r + 3, height - r - 3)
            if all(math.hypot(x - i.x, y - i.y) > r + i.r + 2 for i in items):
                items.append(Item(shape, color, x, y, r, big, rng.uniform(-10, 10)))
                break
    background = rng.choices(range(BACKGROUND_COUNT), BACKGROUND_WEIGHTS)[0]
    return Scene(width, height, items, background, rng.choice(TEXTURES), rng.randrange(1 << 30))
