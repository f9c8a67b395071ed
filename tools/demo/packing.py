"""Training rows of the joint phase: one picture with several questions, packed.

The picture comes first and is shared; each question sees the picture and itself only (a block mask; positions restart
after the picture). So a packed row equals separate prompts, at a fraction of the cost.
"""
from __future__ import annotations

import random

import numpy as np
import torch

from prompts import GENERIC_SYSTEM, SYSTEM, prompt_text, styled_text
from questions import ask, ask_any
from vision import rope_positions

PROMPT_WEIGHT = 0.1  # loss weight of system and question tokens beside answer tokens


class Packer:
    """Makes batches; remembers the ids of texts, which repeat."""

    def __init__(self, tokenizer, config):
        self.tokenizer, self.config, self.memo = tokenizer, config, {}

    def ids(self, text: str) -> list[int]:
        if text not in self.memo:
            self.memo[text] = self.tokenizer(text, add_special_tokens=False).input_ids
        return self.memo[text]

    def _row(self, scene, grid: tuple[int, int], questions: int, rng: random.Random):
        """Ids, segments (0 = picture) and loss weights, positions [3, L], and (place, first id) of each question."""
        system = SYSTEM if rng.random() < 0.75 else GENERIC_SYSTEM
        opening = prompt_text("", grid[0] * grid[1], system).split("<|vision_end|>")[0] + "<|vision_end|>"
        ids = list(self.ids(opening))
        pos = rope_positions(ids, self.config, grid)
        start, picture_end = int(pos.max()) + 1, len(ids) - 1
        segment, weight, columns, begins = [0] * len(ids), [PROMPT_WEIGHT] * len(ids), [pos.numpy()], []
        seen: set[str] = set()
        for k in range(questions):
            row = ask(scene, "describe", rng) if k == 0 else ask_any(scene, rng)
            if row["question"] in seen:
                continue
            seen.add(row["question"])
            text = row["answer"] if row["kind"] == "describe" else styled_text(row, rng)
            head = self.ids(row["question"]) + self.ids("<|im_end|>\n<|im_start|>assistant\n")
            body = self.ids(text) + self.ids("<|im_end|>\n")
            part = head + body
            begins.append((picture_end, part[0]))
            ids += part
            segment += [k + 1] * len(part)
            weight += [PROMPT_WEIGHT] * len(head) + [1.0] * (len(body) - 1) + [PROMPT_WEIGHT]
            columns.append(np.broadcast_to(np.arange(start, start + len(part)), (3, len(part))))
        return ids, segment, weight, np.concatenate(columns, 1), begins

    def batch(self, scenes, size: tuple[int, int], questions: int, rng: random.Random):
        """Right-padded ids [B, L], positions [3, B, L], mask [B, 1, L, L], weights [B, L], begins [N, 3].

        begins: row, place of the last picture token, and first id, for every question of the batch.
        """
        rows = [self._row(scene, (size[1] // 28, size[0] // 28), questions, rng) for scene in scenes]
        b, length = len(rows), max(len(r[0]) for r in rows)
        ids = torch.full((b, length), self.config.pad_token_id)
        segment = torch.full((b, length), -1)
        weight = torch.zeros(b, length)
        pos = torch.zeros(3, b, length, dtype=torch.long)
        for k, (i, s, w, p, _) in enumerate(rows):
            n = len(i)
            ids[k, :n], segment[k, :n], weight[k, :n] = torch.tensor(i), torch.tensor(s), torch.tensor(w)
            pos[:, k, :n] = torch.from_numpy(np.ascontiguousarray(p))
        weight[ids == self.config.image_token_id] = 0
        mask = (segment[:, :, None] == segment[:, None, :]) | (segment[:, None, :] == 0)
        mask &= torch.ones(length, length).tril().bool()
        # The target of a token must lie in its own segment; how questions begin is the business of `begins`.
        same = torch.zeros_like(weight)
        same[:, 1:] = (segment[:, 1:] == segment[:, :-1]).float()
        begins = torch.tensor([(k, place, first) for k, r in enumerate(rows) for place, first in r[4]])
        return ids, pos, mask[:, None], weight * same, begins
