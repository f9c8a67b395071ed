"""Scripted completions and the rewards that score them: what a policy in the middle of training might write."""
from __future__ import annotations

import random

from demo_side import target_text
from rewards import exact, format_reward

STYLES = ["right", "wrong", "bare", "sentence", "unclosed", "stray", "long"]


def _text(style: str, row: dict, other: dict) -> str:
    thought, answer = row["thought"], row["answer"]
    return {
        "right": target_text(thought, answer),
        "wrong": target_text(other["thought"], other["answer"]),
        "bare": answer,
        "sentence": thought,
        "unclosed": f"<thought> {thought}\n<answer>{answer}",
        "stray": f"{target_text(thought, answer)} So {answer}.",
        "long": f"{target_text(thought, answer)} {other['thought']} ",
    }[style]


def completion_ids(tokenizer, rows: list[dict], row: int, draw: random.Random, limit: int) -> list[int]:
    """Token ids of one completion. `long` runs into the limit and has no end token; the others end in one."""
    style = draw.choice(STYLES)
    ids = tokenizer(_text(style, rows[row], rows[draw.randrange(len(rows))]), add_special_tokens=False)["input_ids"]
    if style == "long":
        return (ids * (limit // len(ids) + 1))[:limit]
    end = tokenizer.pad_token_id if draw.random() < 0.2 else tokenizer.eos_token_id
    return ids[: limit - 1] + [end]


def scripted_rollout(tokenizer, rows: list[dict], prompts: list[int], seed: int, rollout: int, size: int, limit: int):
    """Completions of one rollout. `prompts` holds each prompt's row `size` times in a row, as TRL asks for them.

    The first group of every rollout is the same text throughout, so that one group has no spread in its rewards.
    """
    out = []
    for i, row in enumerate(prompts):
        copy = 0 if i < size else i % size
        draw = random.Random(f"{seed}/{rollout}/{i // size}/{copy}")
        out.append(completion_ids(tokenizer, rows, row, draw, limit))
    return out


def make_rewards(limit: int):
    """Three rewards with the names of ours; `brevity` does not apply to a completion as long as the limit."""
    def format(completions, **_):
        return [format_reward(c[0]["content"]) for c in completions]

    def exact_match(completions, answer, **_):
        return [float(exact(c[0]["content"], a)) for c, a in zip(completions, answer)]

    def brevity(completions, completion_ids, **_):
        return [1 - len(ids) / limit if len(ids) < limit else None for ids in completion_ids]

    return [format, exact_match, brevity]
