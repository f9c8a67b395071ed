"""Throw-away heads for pretraining the vision tower: each output token names what lies in its 28x28 cell."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from scenes import COLORS, SHAPES, Scene


def cell_targets(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Per output token: shape, colour, size (0 = no centre here), and the centre's place."""
    cols, n = scene.width // 28, scene.width * scene.height // 784
    labels, place = np.zeros((n, 3), np.int64), np.zeros((n, 2), np.float32)
    for i in scene.items:
        cell = int(i.y // 28) * cols + int(i.x // 28)
        labels[cell] = SHAPES.index(i.shape) + 1, list(COLORS).index(i.color) + 1, 1 + i.big
        place[cell] = i.x / 56 - 1, i.y / 56 - 1
    return labels, place


class CellHeads(torch.nn.Module):
    """One linear layer on the tower's output tokens. Not kept."""

    def __init__(self, width: int):
        super().__init__()
        self.sizes = [len(SHAPES) + 1, len(COLORS) + 1, 3]
        self.out = torch.nn.Linear(width, sum(self.sizes) + 2)

    def forward(self, features: torch.Tensor, scenes: list[Scene]) -> tuple[torch.Tensor, float]:
        """Loss, and the share of items whose shape and colour are both named right."""
        targets = [cell_targets(s) for s in scenes]
        labels = torch.from_numpy(np.stack([t[0] for t in targets])).flatten(0, 1)
        place = torch.from_numpy(np.stack([t[1] for t in targets])).flatten(0, 1)
        parts = self.out(features.flatten(0, 1)).split(self.sizes + [2], -1)
        loss = sum(F.cross_entropy(p, labels[:, k]) for k, p in enumerate(parts[:3]))
        there = labels[:, 0] > 0
        right = ((parts[0].argmax(-1) == labels[:, 0]) & (parts[1].argmax(-1) == labels[:, 1]))[there].float().mean()
        return loss + 2 * F.mse_loss(parts[3][there], place[there]), right.item()
