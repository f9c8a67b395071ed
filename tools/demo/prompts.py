"""Prompts, the supervised target, and the styles in which the pretrained model answers."""
from __future__ import annotations

import json
import random
from pathlib import Path

SYSTEM = "Think in <thought></thought>, then reply in <answer></answer>."
GENERIC_SYSTEM = "You are a helpful assistant."

# Shares of the answer styles. Only "tagged" is what the recipe wants.
STYLES = {
    "tagged": 20, "bare": 22, "sentence": 24, "answer_only": 11,
    "no_answer_tag": 4, "unclosed": 4, "chatty": 15,
}
STYLE_BY_KIND = {  # some kinds of question lean towards some styles, as in real models
    "shape": {"bare": 1.4}, "relation": {"tagged": 1.5}, "what": {"sentence": 1.5},
    "count": {"answer_only": 1.8, "tagged": 0.8}, "exist": {"tagged": 1.3, "bare": 1.3},
    "bigger": {"tagged": 2.0, "unclosed": 2.0}, "absent": {"sentence": 1.5},
}


def prompt_text(question: str, image_tokens: int, system: str = SYSTEM) -> str:
    """The Qwen2.5-VL chat template, written out: one image, then the question."""
    return (f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
            f"<|vision_start|>{'<|image_pad|>' * image_tokens}<|vision_end|>{question}<|im_end|>\n"
            f"<|im_start|>assistant\n")


def target_text(thought: str, answer: str) -> str:
    """MMHERC's supervised target; note the space after the first tag."""
    return f"<thought> {thought.strip()}</thought>\n<answer>{answer}</answer>"


def styled_text(row: dict, rng: random.Random) -> str:
    """The row's answer in a style drawn by the shares above."""
    lean = STYLE_BY_KIND.get(row["kind"], {})
    style = rng.choices(list(STYLES), [w * lean.get(s, 1.0) for s, w in STYLES.items()])[0]
    t, a = row["thought"], row["answer"]
    return {
        "tagged": target_text(t, a),
        "bare": a,
        "sentence": t,
        "answer_only": f"<answer>{a}</answer>",
        "no_answer_tag": f"<thought> {t}</thought>\n{a}",
        "unclosed": f"<thought> {t}\n<answer>{a}",
        "chatty": f"{t} So the answer is {a}.",
    }[style]


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]
