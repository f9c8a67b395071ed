"""Run the demo recipe in PyTorch and PEFT: LoRA SFT, then GRPO, measured before, between and after.

    python run_recipe.py --demo DEMO_FOLDER --seeds 0 1 2 3 4 5 --out runs.json
    python run_recipe.py --demo DEMO_FOLDER --seeds 0 --set sft.loss_on=completion

Prints a line per seed, point and mode, and at the end mean and standard deviation over the seeds.
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from prompts import read_jsonl
from recipe_eval import evaluate
from recipe_model import DemoModel
from recipe_train import grpo, sft

POINTS, MODES = ("before", "after_sft", "after_grpo"), ("greedy", "sampled")


def run(folder: Path, recipe: dict, seed: int) -> dict:
    demo = DemoModel(folder / "model", recipe, seed)
    data = folder / "data"
    train = demo.prepare(read_jsonl(data / "demo_cot_train.jsonl"), data / "images")
    held_out = demo.prepare(read_jsonl(data / "demo_cot_val.jsonl")[: recipe["eval"]["rows"]], data / "images")
    result = {"seed": seed, "before": evaluate(demo, held_out)}
    began = time.time()
    result["sft_log"] = sft(demo, train[: recipe["sft"]["rows"]])
    result["sft_seconds"] = time.time() - began
    result["after_sft"] = evaluate(demo, held_out)
    began = time.time()
    result["grpo_log"] = grpo(demo, train)
    result["grpo_seconds"] = time.time() - began
    result["after_grpo"] = evaluate(demo, held_out)
    for point in POINTS:
        for mode in MODES:
            figures = {k: round(v, 3) for k, v in result[point][mode].items()}
            print(f"seed {seed} {point:10s} {mode:7s}", figures, flush=True)
    return result


def table(results: list[dict]) -> dict:
    """Mean and standard deviation (n - 1) over seeds, per point, mode and measure."""
    def summary(point: str, mode: str, key: str) -> dict:
        values = [r[point][mode][key] for r in results]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        return {"mean": round(float(np.mean(values)), 4), "sd": round(spread, 4)}

    return {p: {m: {k: summary(p, m, k) for k in results[0][p][m]} for m in MODES} for p in POINTS}


def changed(recipe: dict, assignments: list[str]) -> dict:
    """The recipe with settings replaced, each given as PART.KEY=VALUE (a JSON value, or text)."""
    for assignment in assignments:
        path, value = assignment.split("=", 1)
        part, key = path.split(".")
        if key not in recipe[part]:
            raise SystemExit(f"--set {assignment}: recipe.json has no {path}")
        try:
            recipe[part][key] = json.loads(value)
        except json.JSONDecodeError:
            recipe[part][key] = value
    return recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True, help="folder with model/, data/ and recipe.json")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--set", nargs="*", default=[], metavar="PART.KEY=VALUE")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON file with the table and all runs")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = changed(json.loads((args.demo / "recipe.json").read_text()), args.set)
    results = [run(args.demo, recipe, seed) for seed in args.seeds]
    if args.out:
        args.out.write_text(json.dumps({"table": table(results), "runs": results}, indent=1) + "\n")
    print(json.dumps(table(results), indent=1))


if __name__ == "__main__":
    main()
