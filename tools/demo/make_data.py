"""Write the data set: 400 training and 100 validation rows over 184 pictures, in MMHERC's row form.

    python make_data.py --out DATA_FOLDER

The same seeds give the same rows, and with the pinned Pillow the same PNG files, byte for byte. Besides the rows and
pictures: index.json, the list of files that the app fetches, and kinds.json, the kind of each question in row order.
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from drawing import draw_scene
from questions import ask_any
from scenes import random_scene


def write_split(folder: Path, name: str, rows: int, per_image: int, seed: int, prefix: str) -> list[str]:
    """Draw pictures and write one JSONL split; returns the kinds, in row order."""
    rng = random.Random(seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines, kinds = [], []
    while len(lines) < rows:
        scene = random_scene(rng)
        file = f"{prefix}_{len(lines) // per_image:03d}.png"
        draw_scene(scene).save(folder / "images" / file, optimize=True)
        seen: set[str] = set()
        for _ in range(min(per_image, rows - len(lines))):
            row = ask_any(scene, rng, seen)
            seen.add(row["question"])
            kinds.append(row.pop("kind"))
            lines.append({"image": file, **row})
    (folder / name).write_text("".join(json.dumps(r) + "\n" for r in lines))
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="data folder to write")
    parser.add_argument("--train-seed", type=int, default=2024)
    parser.add_argument("--val-seed", type=int, default=7051)
    args = parser.parse_args()
    kinds = {
        "train": write_split(args.out, "demo_cot_train.jsonl", 400, 3, args.train_seed, "train"),
        "val": write_split(args.out, "demo_cot_val.jsonl", 100, 2, args.val_seed, "val"),
    }
    (args.out / "kinds.json").write_text(json.dumps(kinds) + "\n")
    pictures = sorted(f"images/{p.name}" for p in (args.out / "images").iterdir())
    files = ["demo_cot_train.jsonl", "demo_cot_val.jsonl", *pictures]
    (args.out / "index.json").write_text(json.dumps({"files": files}, indent=2) + "\n")


if __name__ == "__main__":
    main()
