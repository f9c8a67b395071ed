"""Pixels, vision tower and positions for many small pictures; check.py shows that they equal the Hugging Face path."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
PATCH, MERGE = 14, 2


def patchify(images: np.ndarray) -> torch.Tensor:
    """uint8 [B,H,W,3] -> [B, patches, 3*2*14*14], equal to the Hugging Face image processor.

    Patches come in blocks of 2x2; the frame is doubled along time.
    """
    x = (torch.from_numpy(images).float() / 255 - torch.from_numpy(MEAN)) / torch.from_numpy(STD)
    b, h, w, _ = x.shape
    gh, gw = h // PATCH, w // PATCH
    x = x.view(b, gh // MERGE, MERGE, PATCH, gw // MERGE, MERGE, PATCH, 3)
    x = x.permute(0, 1, 4, 2, 5, 7, 3, 6)  # b, bh, bw, mh, mw, c, py, px
    x = x.unsqueeze(6).expand(-1, -1, -1, -1, -1, -1, 2, -1, -1)
    return x.reshape(b, gh * gw, 3 * 2 * PATCH * PATCH)


def _patch_places(grid_width: int, count: int) -> torch.Tensor:
    """(count, 2) row and column of each patch, in the order of patchify."""
    block, inner = torch.arange(count) // 4, torch.arange(count) % 4
    row, column = block // (grid_width // MERGE), block % (grid_width // MERGE)
    return torch.stack([row * MERGE + inner // 2, column * MERGE + inner % 2], -1)


def _window_mask(places: torch.Tensor, side: int) -> torch.Tensor | None:
    """(count, count) whether two patches share a window of `side` merged tokens; None where there is one window."""
    cell = places // (MERGE * side)
    window = cell[:, 0] * 1000 + cell[:, 1]
    return (window[:, None] == window[None, :]) if (window != window[0]).any() else None


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def vision_features(visual, images: np.ndarray) -> torch.Tensor:
    """The vision tower on B images of one size, batched: [B, tokens, hidden].

    Same arithmetic as the Hugging Face module, but windows are masks of one batched attention instead of a loop over
    windows.
    """
    b, h, w, _ = images.shape
    n = (h // PATCH) * (w // PATCH)
    places = _patch_places(w // PATCH, n)
    cos, sin = (t[:, None, :] for t in visual.rotary_pos_emb(torch.zeros(1), places))
    mask = _window_mask(places, visual.window_size // PATCH // MERGE)
    kernel = visual.patch_embed.proj.weight
    x = F.linear(patchify(images).to(kernel.dtype), kernel.view(kernel.shape[0], -1))
    for k, block in enumerate(visual.blocks):
        q, key, v = block.attn.qkv(block.norm1(x)).view(b, n, 3, block.attn.num_heads, -1).unbind(2)
        q, key = _rotate(q, cos, sin).transpose(1, 2), _rotate(key, cos, sin).transpose(1, 2)
        o = F.scaled_dot_product_attention(
            q, key, v.transpose(1, 2), attn_mask=None if k in visual.fullatt_block_indexes else mask)
        x = x + block.attn.proj(o.transpose(1, 2).reshape(b, n, -1))
        x = x + block.mlp(block.norm2(x))
    return visual.merger(x.reshape(b * n, -1)).view(b, n // 4, -1)


def rope_positions(ids: list[int], config, grid: tuple[int, int]) -> torch.Tensor:
    """[3, L] temporal, height and width positions of a prompt with one image of grid (h, w) merged tokens."""
    out = np.zeros((3, len(ids)), np.int64)
    nxt, k = 0, 0
    while k < len(ids):
        if ids[k] == config.image_token_id:
            h, w = grid
            span = h * w
            out[0, k:k + span] = nxt
            out[1, k:k + span] = nxt + np.arange(span) // w
            out[2, k:k + span] = nxt + np.arange(span) % w
            nxt += max(h, w)
            k += span
        else:
            out[:, k] = nxt
            nxt += 1
            k += 1
    return torch.from_numpy(out)
