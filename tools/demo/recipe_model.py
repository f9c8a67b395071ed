"""The demo's model with a fresh PEFT adapter: prompts, generation and log-probabilities, in plain PyTorch.

Vision is frozen, so the features of a picture are computed once.
"""
from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from prompts import prompt_text, target_text
from vision import rope_positions, vision_features


class DemoModel:
    """Everything random in it (adapter, order, sampling) comes from `seed`."""

    def __init__(self, folder: Path, recipe: dict, seed: int):
        torch.manual_seed(seed)
        self.recipe = recipe
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.base = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        self.config = self.base.config
        lora = recipe["lora"]
        self.model = get_peft_model(self.base, LoraConfig(
            r=lora["r"], lora_alpha=lora["alpha"], lora_dropout=lora["dropout"],
            target_modules=lora["target_modules"], bias="none", task_type="CAUSAL_LM"))
        self.language = self.base.model.language_model
        self.head = self.base.lm_head
        self.sampler = torch.Generator().manual_seed(seed)
        self.order = random.Random(seed)
        self.eos, self.pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        self.adapter = [p for p in self.model.parameters() if p.requires_grad]

    def prepare(self, rows: list[dict], images: Path) -> list[dict]:
        """Rows with `ids` (prompt), `full` (prompt and target), `features` and `grid` (height, width in tokens)."""
        cache, out = {}, []
        for row in rows:
            if row["image"] not in cache:
                pixels = np.array(Image.open(images / row["image"]).convert("RGB"))
                with torch.no_grad():
                    features = vision_features(self.base.model.visual, pixels[None])[0]
                cache[row["image"]] = features, (pixels.shape[0] // 28, pixels.shape[1] // 28)
            features, grid = cache[row["image"]]
            prompt = prompt_text(row["question"], len(features), self.recipe["system_prompt"])
            ids = self.tokenizer(prompt).input_ids
            target = target_text(row["thought"], row["answer"]) + "<|im_end|>\n"
            full = ids + self.tokenizer(target).input_ids
            out.append({**row, "ids": ids, "full": full, "features": features, "grid": grid})
        return out

    def embed(self, ids: torch.Tensor, rows: list[dict]) -> torch.Tensor:
        """Token embeddings with the rows' picture features put in."""
        x = self.language.embed_tokens(ids)
        features = torch.cat([r["features"] for r in rows]).to(x.dtype)
        return x.masked_scatter((ids == self.config.image_token_id)[..., None], features)

    def batch(self, rows: list[dict], key: str, left: bool):
        """Padded ids [B, L], mask [B, L], positions [3, B, L] of `key` (ids or full)."""
        width = max(len(r[key]) for r in rows)
        ids = torch.full((len(rows), width), self.pad)
        mask = torch.zeros(len(rows), width, dtype=torch.long)
        pos = torch.zeros(3, len(rows), width, dtype=torch.long)
        for k, r in enumerate(rows):
            n = len(r[key])
            where = slice(width - n, width) if left else slice(0, n)
            ids[k, where] = torch.tensor(r[key])
            mask[k, where] = 1
            pos[:, k, where] = rope_positions(r[key], self.config, r["grid"])
        return ids, mask, pos

    def _next(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        """The most likely token at temperature 0, else a sample; never a picture placeholder."""
        logits[:, self.config.image_token_id] = -torch.inf
        if temperature == 0:
            return logits.argmax(-1)
        return torch.multinomial((logits / temperature).softmax(-1), 1, generator=self.sampler)[:, 0]

    @torch.no_grad()
    def generate(self, rows: list[dict], temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Completion ids [B, T] and their mask, up to and with the end token."""
        ids, mask, pos = self.batch(rows, "ids", left=True)
        out = self.language(
            inputs_embeds=self.embed(ids, rows), attention_mask=mask, position_ids=pos, use_cache=True)
        place = pos.amax((0, 2)) + 1
        done = torch.zeros(len(rows), dtype=torch.bool)
        tokens = []
        for _ in range(self.recipe["max_completion_length"]):
            token = self._next(self.head(out.last_hidden_state[:, -1]).float(), temperature)
            token = torch.where(done, self.pad, token)
            tokens.append(token)
            done |= token == self.eos
            if done.all():
                break
            mask = torch.cat([mask, torch.ones(len(rows), 1, dtype=torch.long)], 1)
            out = self.language(
                inputs_embeds=self.language.embed_tokens(token)[:, None], attention_mask=mask,
                position_ids=place[None, :, None].expand(3, -1, 1), past_key_values=out.past_key_values, use_cache=True)
            place = place + 1
        completion = torch.stack(tokens, 1)
        ended = (completion == self.eos).cumsum(1) - (completion == self.eos).long()
        return completion, (ended == 0).long()

    def texts(self, completion: torch.Tensor, mask: torch.Tensor) -> list[str]:
        return [self.tokenizer.decode(c[m.bool()], skip_special_tokens=True) for c, m in zip(completion, mask)]

    def log_probs(self, rows, completion, completion_mask, temperature: float) -> torch.Tensor:
        """[B, T] of the completion's tokens."""
        ids, mask, pos = self.batch(rows, "ids", left=True)
        x = torch.cat([self.embed(ids, rows), self.language.embed_tokens(completion)], 1)
        places = (pos.amax((0, 2)) + 1)[:, None] + torch.arange(completion.shape[1])[None]
        h = self.language(
            inputs_embeds=x, attention_mask=torch.cat([mask, completion_mask], 1),
            position_ids=torch.cat([pos, places[None].expand(3, -1, -1)], 2), use_cache=False).last_hidden_state
        logits = self.head(h[:, ids.shape[1] - 1 : -1]).float() / temperature
        return logits.log_softmax(-1).gather(-1, completion[..., None])[..., 0]
