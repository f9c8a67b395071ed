"""Draw a scene with Pillow: at three times its size, then reduced, so that edges are anti-aliased."""
from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scenes import BACKGROUND_COUNT, COLORS, Item, Scene

SCALE = 3
BACKGROUNDS = [  # top colour, bottom colour
    ((253, 247, 235), (246, 234, 214)),  # cream
    ((236, 243, 250), (216, 229, 243)),  # mist
    ((236, 247, 239), (215, 235, 222)),  # mint
    ((243, 239, 250), (226, 219, 241)),  # lilac
    ((246, 244, 241), (228, 225, 220)),  # paper
    ((58, 66, 82), (40, 46, 60)),        # slate
    ((38, 50, 82), (24, 32, 58)),        # night
]
assert len(BACKGROUNDS) == BACKGROUND_COUNT


def _outline(shape: str) -> list[tuple[float, float]]:
    """Corner points of a shape of radius 1 around the origin, y down."""
    if shape == "circle":
        return [(math.cos(t), math.sin(t)) for t in np.linspace(0, 2 * math.pi, 72)]
    if shape == "square":
        return [(-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84)]
    if shape == "triangle":
        return [(0, -1.0), (0.98, 0.78), (-0.98, 0.78)]
    if shape == "diamond":
        return [(0, -1.08), (0.74, 0), (0, 1.08), (-0.74, 0)]
    if shape == "star":
        return [((1.1 if k % 2 == 0 else 0.46) * math.sin(k * math.pi / 5),
                 -(1.1 if k % 2 == 0 else 0.46) * math.cos(k * math.pi / 5)) for k in range(10)]
    if shape == "heart":
        return [(16 * math.sin(t) ** 3 / 16,
                 -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 15.5)
                for t in np.linspace(0, 2 * math.pi, 90)]
    raise ValueError(shape)


def _placed_outline(item: Item) -> list[tuple[float, float]]:
    """Corner points of an item in pixels of the large picture, turned and moved."""
    angle = math.radians(item.angle)
    points = []
    for px, py in _outline(item.shape):
        x = px * math.cos(angle) - py * math.sin(angle)
        y = px * math.sin(angle) + py * math.cos(angle)
        points.append(((item.x + x * item.r) * SCALE, (item.y + y * item.r) * SCALE))
    return points


def _texture_layer(scene: Scene, rng: random.Random, size: tuple[int, int], alpha: int) -> Image.Image:
    """Where the backdrop's pattern covers, 0 to 255."""
    w, h = size
    layer = Image.new("L", size, 0)
    draw = ImageDraw.Draw(layer)
    if scene.texture == "dots":
        step, rad = 14 * SCALE, 1.6 * SCALE
        for j, y in enumerate(range(step // 2, h, step)):
            for x in range(step // 2 + (step // 2 if j % 2 else 0), w + step, step):
                draw.ellipse([x - rad, y - rad, x + rad, y + rad], fill=alpha + 14)
    elif scene.texture == "stripes":
        for x in range(-h, w, 16 * SCALE):
            draw.line([(x, h), (x + h, 0)], fill=alpha, width=6 * SCALE)
    elif scene.texture == "grid":
        step = 14 * SCALE
        for x in range(0, w, step):
            draw.line([(x, 0), (x, h)], fill=alpha + 8, width=2)
        for y in range(0, h, step):
            draw.line([(0, y), (w, y)], fill=alpha + 8, width=2)
    elif scene.texture == "bokeh":
        for _ in range(7):
            x, y, rad = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(10, 30) * SCALE
            blob = Image.new("L", size, 0)
            ImageDraw.Draw(blob).ellipse([x - rad, y - rad, x + rad, y + rad], fill=alpha)
            layer = Image.fromarray(np.maximum(np.asarray(layer), np.asarray(blob)))
    return layer


def _backdrop(scene: Scene, rng: random.Random) -> Image.Image:
    """A vertical gradient with a faint pattern."""
    w, h = scene.width * SCALE, scene.height * SCALE
    top, bottom = (np.array(c, np.float32) for c in BACKGROUNDS[scene.background])
    t = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    image = Image.fromarray(np.broadcast_to(top * (1 - t) + bottom * t, (h, w, 3)).astype(np.uint8))
    dark = top.mean() < 128
    ink = (255, 255, 255) if dark else (70, 80, 110)
    image.paste(Image.new("RGB", (w, h), ink), mask=_texture_layer(scene, rng, (w, h), 26 if dark else 20))
    return image


def _paint_item(image: Image.Image, item: Item, points: list[tuple[float, float]], rng: random.Random) -> None:
    """Fill with a vertical sheen, then a darker rim."""
    w, h = image.size
    rgb = np.clip(np.array(COLORS[item.color], np.float32) + rng.uniform(-8, 8), 0, 255)
    y0 = max(0, int((item.y - 1.2 * item.r) * SCALE))
    y1 = min(h, int((item.y + 1.2 * item.r) * SCALE) + 1)
    t = np.linspace(0.16, -0.12, y1 - y0, dtype=np.float32)[:, None, None]
    shade = np.where(t > 0, rgb + (255 - rgb) * t, rgb * (1 + t))
    fill = np.broadcast_to(shade, (y1 - y0, w, 3)).astype(np.uint8)
    mask = Image.new("L", (w, h), 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    image.paste(Image.fromarray(fill), (0, y0), mask.crop((0, y0, w, y1)))
    rim = tuple(int(v * 0.72) for v in rgb)
    ImageDraw.Draw(image).line(points + points[:2], fill=rim, width=3, joint="curve")


def draw_scene(scene: Scene) -> Image.Image:
    """The scene as an RGB picture of its own size."""
    rng = random.Random(scene.seed)
    image = _backdrop(scene, rng)
    outlines = [_placed_outline(item) for item in scene.items]
    shadow = Image.new("L", image.size, 0)
    for points in outlines:
        ImageDraw.Draw(shadow).polygon([(x + 1.2 * SCALE, y + 2.2 * SCALE) for x, y in points], fill=70)
    shadow = shadow.filter(ImageFilter.GaussianBlur(2.0 * SCALE))
    image.paste(Image.new("RGB", image.size, (20, 20, 40)), mask=shadow)
    for item, points in zip(scene.items, outlines):
        _paint_item(image, item, points, rng)
    return image.resize((scene.width, scene.height), Image.Resampling.BOX)
