"""Pretrain the tiny model to look, and to answer in mixed styles.

    python pretrain.py --out MODEL_FOLDER          (the folder holds the tokenizer of build_tokenizer.py)

Phase one trains the vision tower alone: throw-away heads on its output tokens must name the object whose centre lies
in the token's 28x28 cell. Phase two trains vision and language together on questions (packing.py), with the heads as
a small extra loss. Both phases end after a number of minutes, or of steps where those are given: with steps, seed and
one thread the run repeats itself on the same machine.
"""
from __future__ import annotations

import argparse
import json
import math
import random
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoTokenizer

from cell_heads import CellHeads
from drawing import draw_scene
from model_config import new_model, save_model
from packing import PROMPT_WEIGHT, Packer
from scenes import SIZES, random_scene
from vision import vision_features

VISION_BATCH = 64
WARMUP_STEPS = 100


def _render(seed: int):
    scene = random_scene(random.Random(seed))
    return scene, np.asarray(draw_scene(scene), np.uint8)


def draw_pictures(count: int, seed: int, processes: int) -> dict:
    """size -> (scenes, pictures [N,H,W,3] u8)."""
    with Pool(processes) as pool:
        pairs = pool.map(_render, range(seed, seed + count), chunksize=200)
    store = {}
    for size in SIZES:
        some = [p for p in pairs if (p[0].width, p[0].height) == size]
        if some:
            store[size] = ([s for s, _ in some], np.stack([i for _, i in some]))
    return store


def make_optimizers(modules, learning_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for matrices; AdamW for embeddings, heads, norms, biases and the patch kernel."""
    named = {id(p): (n, p) for m in modules for n, p in m.named_parameters()}.values()
    is_matrix = lambda n, p: p.ndim == 2 and not any(s in n for s in ("embed", "lm_head", "out."))
    return [
        torch.optim.Muon([p for n, p in named if is_matrix(n, p)], lr=learning_rate, weight_decay=0.02,
                         adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([p for n, p in named if not is_matrix(n, p)], lr=learning_rate, betas=(0.9, 0.98),
                          weight_decay=0.01),
    ]


def language_loss(model, features, ids, pos, mask, weight, begins) -> tuple[torch.Tensor, float]:
    """Weighted cross-entropy with how questions begin, and the plain mean over answer tokens."""
    x = model.model.language_model.embed_tokens(ids)
    x = x.masked_scatter((ids == model.config.image_token_id)[..., None], features)
    h = model.model.language_model(
        inputs_embeds=x, position_ids=pos, attention_mask=mask, use_cache=False).last_hidden_state
    w = weight[:, 1:].reshape(-1)
    keep = w > 0
    logits = model.lm_head(h[:, :-1].reshape(-1, h.shape[-1])[keep])
    ce = F.cross_entropy(logits, ids[:, 1:].reshape(-1)[keep], reduction="none")
    w = w[keep]
    row, place, first = begins.unbind(1)  # the last picture token predicts the first token of each question
    begin = F.cross_entropy(model.lm_head(h[row, place]), first)
    full = (ce * w).sum() / w.sum() + PROMPT_WEIGHT * begin * len(first) / w.sum()
    return full, ce[w > 0.5].mean().item()


class Pretraining:
    """Model, heads, pictures and the generator that draws from them."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        tokenizer = AutoTokenizer.from_pretrained(args.out)
        self.model = new_model(args.out, args.seed)
        if args.init:
            self.model.load_state_dict(torch.load(args.init))
        self.model.config.pad_token_id = tokenizer.pad_token_id
        self.visual = self.model.model.visual
        self.heads = CellHeads(self.model.config.vision_config.out_hidden_size)
        self.packer = Packer(tokenizer, self.model.config)
        self.rng = random.Random(args.seed)
        self.store = draw_pictures(args.pictures, 1_000_000 + args.seed, args.threads)

    def draw(self, batch: int):
        """A size, and `batch` scenes and pictures of that size."""
        sizes = list(self.store)
        size = self.rng.choices(sizes, [len(self.store[s][0]) for s in sizes])[0]
        scenes, images = self.store[size]
        pick = [self.rng.randrange(len(scenes)) for _ in range(batch)]
        return size, [scenes[k] for k in pick], images[pick]

    def vision_loss(self):
        _, scenes, images = self.draw(VISION_BATCH)
        loss, right = self.heads(vision_features(self.visual, images), scenes)
        return loss, (loss.item(), right)

    def joint_loss(self):
        size, scenes, images = self.draw(self.args.batch)
        features = vision_features(self.visual, images)
        extra, right = self.heads(features, scenes)
        batch = self.packer.batch(scenes, size, self.args.questions, self.rng)
        loss, answer = language_loss(self.model, features, *batch)
        return loss + 0.1 * extra, (answer, right)

    def phase(self, name: str, loss_of, modules, peak: float, minutes: float, steps: int) -> dict:
        """Train for `steps` steps, or for `minutes` if steps is 0; cosine decay with warm-up either way."""
        optimizers = make_optimizers(modules, peak)
        parameters = [p for o in optimizers for g in o.param_groups for p in g["params"]]
        began, step, log = time.time(), 0, []
        while True:
            done = step / steps if steps else (time.time() - began) / (minutes * 60 + 1e-9)
            if done >= 1:
                break
            rate = peak * min(1, (step + 1) / WARMUP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-5
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate
            loss, figures = loss_of()
            log.append(figures)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            step += 1
            if step % 50 == 0:
                mean = np.mean(log[-50:], 0)
                print(f"{name} {step} loss {mean[0]:.4f} cells {mean[1]:.3f} lr {rate:.5f} "
                      f"t {time.time() - began:.0f}", flush=True)
        last = np.mean(log[-100:], 0) if log else (float("nan"), float("nan"))
        return {"steps": step, "seconds": round(time.time() - began), "loss_at_end": round(float(last[0]), 4),
                "cells_right_at_end": round(float(last[1]), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="model folder: tokenizer in, model out")
    parser.add_argument("--pictures", type=int, default=24000)
    parser.add_argument("--vision-minutes", type=float, default=6)
    parser.add_argument("--vision-steps", type=int, default=0, help="a fixed number of steps instead of a time")
    parser.add_argument("--vision-lr", type=float, default=2.5e-3)
    parser.add_argument("--minutes", type=float, default=15, help="time of the joint phase")
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of joint steps instead of a time")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=16, help="pictures in a joint step")
    parser.add_argument("--questions", type=int, default=7, help="questions per picture in a joint step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--init", type=Path, help="start from a pretrain.pt of an earlier run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    began = time.time()
    work = Pretraining(args)
    print(f"{sum(p.numel() for p in work.model.parameters())} parameters; {args.pictures} pictures drawn, "
          f"{time.time() - began:.0f} s", flush=True)
    totals = {
        "vision": work.phase("vision", work.vision_loss, [work.visual, work.heads], args.vision_lr,
                             args.vision_minutes, args.vision_steps),
        "joint": work.phase("joint", work.joint_loss, [work.model, work.heads], args.lr, args.minutes, args.steps),
    }
    torch.save(work.model.state_dict(), args.out / "pretrain.pt")
    save_model(work.model, args.out)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "init")}
    (args.out / "pretrain.json").write_text(json.dumps({"settings": settings, **totals}, indent=2) + "\n")
    print(json.dumps(totals))


if __name__ == "__main__":
    main()
