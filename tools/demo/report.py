"""Collect the measurements of run_recipe.py, and one golden row, into a file of expected.json's form.

    python report.py --demo DEMO_FOLDER --runs runs.json more.json --out expected.json

Runs of several files count as one set of seeds. What expected.json has besides (costs, variants) stays in it.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from prompts import read_jsonl
from recipe_eval import forced_accuracy
from recipe_model import DemoModel
from run_recipe import POINTS, table
from vision import rope_positions

GREEDY_ROWS = 12


def golden_row(demo: DemoModel, row: dict) -> dict:
    """One row in full: float32 arithmetic on the stored bfloat16 weights."""
    target = torch.tensor([row["full"][len(row["ids"]):]])
    with torch.no_grad():
        logps = demo.log_probs([row], target, torch.ones_like(target), 1.0)[0]
    return {
        "image": row["image"], "question": row["question"], "prompt_ids": row["ids"],
        "positions_thw": rope_positions(row["ids"], demo.config, row["grid"]).tolist(),
        "first_picture_token": [round(float(v), 5) for v in row["features"][0][:8]],
        "target_ids": target[0].tolist(), "target_logps": [round(float(v), 5) for v in logps],
    }


def spread(values: list[int]) -> list[float]:
    """Smallest, mean, largest."""
    return [min(values), round(float(np.mean(values)), 1), max(values)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="files of run_recipe.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep-seconds", action="store_true", help="leave the times in OUT: the machine was busy")
    args = parser.parse_args()
    torch.set_num_threads(2)
    runs = sorted((r for path in args.runs for r in json.loads(path.read_text())["runs"]), key=lambda r: r["seed"])
    seeds = [r["seed"] for r in runs]
    if len(set(seeds)) < len(seeds):
        raise SystemExit(f"--runs: a seed stands twice: {seeds}")
    recipe = json.loads((args.demo / "recipe.json").read_text())
    demo = DemoModel(args.demo / "model", recipe, 0)
    data = args.demo / "data"
    train = demo.prepare(read_jsonl(data / "demo_cot_train.jsonl"), data / "images")
    val = demo.prepare(read_jsonl(data / "demo_cot_val.jsonl"), data / "images")
    demo.model.eval()
    greedy = demo.texts(*demo.generate(val[:GREEDY_ROWS], 0.0))
    median = lambda key: round(float(np.median([r[key] for r in runs])), 2)
    mean = lambda values: round(float(np.mean(values)), 4)
    curve = lambda log, key: [mean([r[log][k][key] for r in runs]) for k in range(len(runs[0][log]))]
    out = {
        "golden": golden_row(demo, val[0]),
        "table": table(runs), "seeds": seeds,
        "forced_format_accuracy_before": round(forced_accuracy(demo, val), 3),
        "per_seed_sampled_total_reward": [
            {p: round(r[p]["sampled"]["total_reward"], 3) for p in POINTS} for r in runs],
        "curves_mean_over_seeds": {"sft_loss": curve("sft_log", "loss"), "grpo_reward": curve("grpo_log", "reward"),
                                   "grpo_kl": curve("grpo_log", "kl")},
        "lengths": {"prompt_tokens": spread([len(r["ids"]) for r in train]),
                    "target_tokens": spread([len(r["full"]) - len(r["ids"]) - 1 for r in train])},
        "seconds_pytorch": {
            "own_loops_cached_features": {"sft": median("sft_seconds"), "grpo": median("grpo_seconds")}},
        "greedy_before": [{"image": r["image"], "question": r["question"], "answer": r["answer"], "text": t}
                          for r, t in zip(val[:GREEDY_ROWS], greedy)],
    }
    kept = json.loads(args.out.read_text()) if args.out.exists() else {}
    seconds = {} if args.keep_seconds else out["seconds_pytorch"]
    out["seconds_pytorch"] = {**kept.get("seconds_pytorch", {}), **seconds}
    args.out.write_text(json.dumps({**kept, **out}, indent=1) + "\n")


if __name__ == "__main__":
    main()
