"""Measurements on held-out rows: form, answers and rewards, greedy and sampled."""
from __future__ import annotations

import numpy as np

from recipe_model import DemoModel
from rewards import compliant, exact, format_reward, lenient, semantic_reward


def _mean(values) -> float:
    return float(np.mean([float(v) for v in values]))


def _measures(texts: list[str], rows: list[dict]) -> dict:
    pairs = list(zip(texts, rows))
    return {
        "format_compliance": _mean(compliant(t) for t in texts),
        "format_reward": _mean(format_reward(t) for t in texts),
        "accuracy": _mean(exact(t, r["answer"]) for t, r in pairs),
        "accuracy_any_style": _mean(lenient(t, r) for t, r in pairs),
        "semantic_reward": _mean(semantic_reward(t, r["answer"]) for t, r in pairs),
        "total_reward": _mean(semantic_reward(t, r["answer"]) + format_reward(t) for t, r in pairs),
        "yes_no_accuracy": _mean(exact(t, r["answer"]) for t, r in pairs if r["answer"] in ("yes", "no")),
    }


def evaluate(demo: DemoModel, rows: list[dict]) -> dict:
    """{greedy, sampled} measures; sampled over several samples a row at the recipe's temperature."""
    demo.model.eval()
    settings = demo.recipe["eval"]
    out = {}
    modes = (("greedy", 0.0, 1), ("sampled", settings["sample_temperature"], settings["samples_per_row"]))
    for mode, temperature, times in modes:
        texts, answered = [], []
        for _ in range(times):
            for k in range(0, len(rows), 100):
                part = rows[k : k + 100]
                texts += demo.texts(*demo.generate(part, temperature))
                answered += part
        out[mode] = _measures(texts, answered)
    return out


def forced_accuracy(demo: DemoModel, rows: list[dict]) -> float:
    """What the model can see: accuracy when the tagged form is started for it."""
    head = demo.tokenizer("<thought>").input_ids
    forced = [{**r, "ids": r["ids"] + head} for r in rows]
    demo.model.eval()
    hits = []
    for k in range(0, len(forced), 100):
        part = forced[k : k + 100]
        texts = demo.texts(*demo.generate(part, 0.0))
        hits += [exact("<thought>" + t, r["answer"]) for t, r in zip(texts, part)]
    return float(np.mean(hits))
