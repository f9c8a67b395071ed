"""The recipe's two stages with TRL's semantics: LoRA SFT, then GRPO on the same adapter with a new optimizer."""
from __future__ import annotations

import contextlib
import time

import torch
import torch.nn.functional as F

from recipe_model import DemoModel
from rewards import format_reward, semantic_reward


def _optimizer(demo: DemoModel, settings: dict):
    """AdamW without decay, and transformers' linear or constant schedule with warm-up."""
    steps, warmup = settings["steps"], settings["warmup_steps"]

    def rate(step: int) -> float:
        if step < warmup:
            return step / max(1, warmup)
        return 1.0 if settings["schedule"] == "constant" else max(0.0, (steps - step) / max(1, steps - warmup))

    optimizer = torch.optim.AdamW(
        demo.adapter, lr=settings["learning_rate"], betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def _step(demo: DemoModel, optimizer, schedule, max_norm: float) -> float:
    norm = torch.nn.utils.clip_grad_norm_(demo.adapter, max_norm)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad(set_to_none=True)
    return float(norm)


def _take(demo: DemoModel, rows: list[dict], order: list[int], count: int) -> list[dict]:
    """The next `count` rows without replacement; reshuffles when fewer are left."""
    if len(order) < count:
        order[:] = demo.order.sample(range(len(rows)), len(rows))
    return [rows[order.pop()] for _ in range(count)]


def _labelled(demo: DemoModel, part: list[dict], loss_on: str):
    ids, mask, pos = demo.batch(part, "full", left=False)
    labels = ids.masked_fill((mask == 0) | (ids == demo.config.image_token_id), -100)
    if loss_on == "completion":
        for k, row in enumerate(part):
            labels[k, : len(row["ids"])] = -100
    return part, ids, mask, pos, labels


def sft(demo: DemoModel, rows: list[dict]) -> list[dict]:
    """Cross-entropy averaged over the labels of a whole optimizer step; returns one record a step."""
    settings = demo.recipe["sft"]
    optimizer, schedule = _optimizer(demo, settings)
    order, log = [], []
    demo.model.train()
    for step in range(settings["steps"]):
        began, value = time.time(), 0.0
        parts = [_take(demo, rows, order, settings["batch_size"])
                 for _ in range(settings["gradient_accumulation_steps"])]
        batches = [_labelled(demo, part, settings["loss_on"]) for part in parts]
        total = sum((batch[4][:, 1:] != -100).sum() for batch in batches)
        for part, ids, mask, pos, labels in batches:
            h = demo.language(inputs_embeds=demo.embed(ids, part), attention_mask=mask, position_ids=pos,
                              use_cache=False).last_hidden_state
            logits = demo.head(h[:, :-1]).float()
            loss = F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")
            (loss / total).backward()
            value += (loss / total).item()
        norm = _step(demo, optimizer, schedule, settings["max_grad_norm"])
        log.append({"step": step, "loss": value, "grad_norm": norm, "seconds": time.time() - began})
    return log


@contextlib.contextmanager
def _reference(demo: DemoModel, start: list[torch.Tensor] | None):
    """The model of the KL term: the adapter off (MMHERC), or as it was at the start (today's TRL)."""
    if start is None:
        with demo.model.disable_adapter():
            yield
        return
    now = [p.detach().clone() for p in demo.adapter]
    for p, old in zip(demo.adapter, start):
        p.data.copy_(old)
    yield
    for p, new in zip(demo.adapter, now):
        p.data.copy_(new)


def _advantages(reward: torch.Tensor) -> torch.Tensor:
    """[groups, G] -> [groups * G, 1]; the standard deviation has n - 1."""
    spread = reward.std(1, keepdim=True) + 1e-4
    return ((reward - reward.mean(1, keepdim=True)) / spread).flatten()[:, None]


def grpo(demo: DemoModel, rows: list[dict]) -> list[dict]:
    """On-policy GRPO with the k3 estimate of the KL; returns one record a step."""
    settings = demo.recipe["grpo"]
    size, prompts = settings["num_generations"], settings["prompts_per_step"]
    optimizer, schedule = _optimizer(demo, settings)
    start = [p.detach().clone() for p in demo.adapter] if settings["reference"] == "start" else None
    order, log = [], []
    for step in range(settings["steps"]):
        began = time.time()
        group = [row for row in _take(demo, rows, order, prompts) for _ in range(size)]
        demo.model.eval()
        completion, mask = demo.generate(group, settings["temperature"])
        generated = time.time() - began
        texts = demo.texts(completion, mask)
        semantic = torch.tensor([semantic_reward(t, row["answer"]) for t, row in zip(texts, group)])
        form = torch.tensor([format_reward(t) for t in texts])
        reward = (semantic + form).view(prompts, size)
        with torch.no_grad(), _reference(demo, start):
            ref = demo.log_probs(group, completion, mask, settings["logp_temperature"])
        demo.model.train()
        logp = demo.log_probs(group, completion, mask, settings["logp_temperature"])
        kl = (ref - logp).exp() - (ref - logp) - 1
        token = -(logp - logp.detach()).exp() * _advantages(reward) + settings["beta"] * kl
        if settings["loss_type"] == "grpo":
            loss = ((token * mask).sum(1) / mask.sum(1)).mean()
        else:
            loss = (token * mask).sum() / mask.sum()
        loss.backward()
        norm = _step(demo, optimizer, schedule, settings["max_grad_norm"])
        log.append({
            "step": step, "reward": float(reward.mean()), "semantic": float(semantic.mean()),
            "format": float(form.mean()), "reward_std": float(reward.std(1).mean()),
            "kl": float((kl * mask).sum() / mask.sum()), "grad_norm": norm,
            "length": float(mask.sum(1).float().mean()), "seconds": time.time() - began,
            "generate_seconds": generated})
    return log
