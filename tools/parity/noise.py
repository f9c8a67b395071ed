"""How far TRL's float32 is from its own float64: the noise that no other float32 program can be asked to stay below.

    python noise.py FLOAT32_FOLDER FLOAT64_FOLDER

Prints JSON: per run the worst relative difference of loss, gradient norm, metrics and adapter over all steps,
measured as judge.mjs and adapterDistance.ts measure ours.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

from safetensors.torch import load_file

FLOOR = 0.1  # both as in judge.mjs
NOT_METRICS = {"step_time", "loss", "grad_norm"}


def apart(value: float, true: float, floor: float = 0.0) -> float:
    return 0.0 if value == true else abs(value - true) / max(abs(true), floor)


def adapter_apart(first: dict, second: dict) -> float:
    """Worst tensor of all steps: norm of the difference over the norm."""
    out = 0.0
    for key, true in second.items():
        difference = (first[key].double() - true.double()).norm().item()
        if difference > 0:
            out = max(out, difference / true.double().norm().item())
    return out


def noise_of(first: Path, second: Path) -> dict:
    a, b = (json.loads((folder / "run.json").read_text())["steps"] for folder in (first, second))
    return {
        "loss": max(apart(x["loss"], y["loss"], FLOOR) for x, y in zip(a, b, strict=True)),
        "grad_norm": max(apart(x["grad_norm"], y["grad_norm"]) for x, y in zip(a, b, strict=True)),
        "metrics": max(apart(x[name], y[name], FLOOR) for x, y in zip(a, b) for name in set(y) - NOT_METRICS),
        "adapter": adapter_apart(load_file(first / "adapters.safetensors"), load_file(second / "adapters.safetensors")),
    }


def main() -> None:
    first, second = (Path(word) for word in sys.argv[1:3])
    names = json.loads((first / "parity.json").read_text())["runs"]
    print(json.dumps({name: noise_of(first / name, second / name) for name in names}))


if __name__ == "__main__":
    main()
