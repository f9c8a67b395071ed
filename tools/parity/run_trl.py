"""Real TRL runs on the demo model, on the CPU, written down for the comparison with ours.

    pip install -r requirements.txt
    python run_trl.py --demo ../../public/demo --out FOLDER

FOLDER gets parity.json and one folder per run of runs.json: run.json (the run's options, TRL's logs of every step,
the rows TRL visited, scripted completions with their rewards, the order of every shuffle), start (the adapter before
training, as PEFT saves it) and adapters.safetensors (`step.N.KEY`, after every step).
"""
from __future__ import annotations

import argparse
import json
import os
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# The libraries' deprecation notes about each other say nothing about the runs.
warnings.filterwarnings("ignore", category=FutureWarning)

import torch  # noqa: E402
import transformers  # noqa: E402

from demo_side import LORA, SYSTEM, TARGET_TEMPLATE, load_model, load_processor, load_rows  # noqa: E402
from grpo_run import run_grpo  # noqa: E402
from recorder import save_start, write_run  # noqa: E402
from sft_run import run_sft  # noqa: E402

PACKAGES = ["torch", "transformers", "trl", "peft", "accelerate"]


def common_options(seed: int) -> dict:
    return dict(output_dir=tempfile.mkdtemp(prefix="parity-"), use_cpu=True, bf16=False, report_to="none",
                save_strategy="no", logging_steps=1, seed=seed, gradient_checkpointing=False,
                dataloader_pin_memory=False, disable_tqdm=True)


def run(spec: dict, demo: Path, out: Path, starts: Path, dtype: torch.dtype) -> None:
    start = None if spec["start"] == "fresh" else starts / spec["start"] / "final"
    model = load_model(demo, start, spec["seed"], dtype)
    if start is None and starts != out:  # a second opinion starts from the same numbers
        del model
        model = load_model(demo, starts / spec["name"] / "start", spec["seed"], dtype)
    folder = out / spec["name"]
    save_start(model, folder)
    train = {"sft": run_sft, "grpo": run_grpo}[spec["stage"]]
    recorder, record = train(demo, spec, model, load_processor(demo), load_rows(demo, spec["rows"]),
                             common_options(spec["seed"]))
    prompts = {"system_prompt": SYSTEM, "target_template": TARGET_TEMPLATE}
    write_run(folder, spec | prompts | {"lora": LORA}, recorder, record)
    model.save_pretrained(folder / "final", selected_adapters=["default"])
    last = recorder.logs[-1]
    print(f"{spec['name']}: {len(recorder.logs)} steps, last loss {last['loss']:.6f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1,
                        help="changes nothing but time; more than the free cores are slow")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--starts", type=Path, help="take the starting adapters of this folder of an earlier run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    transformers.utils.logging.disable_progress_bar()
    runs = json.loads((Path(__file__).parent / "runs.json").read_text())
    for spec in runs:
        run(spec, args.demo, args.out, args.starts or args.out, getattr(torch, args.dtype))
    about = {"format": "lorikeet-parity", "version": 1, "threads": args.threads, "dtype": args.dtype,
             "packages": {name: version(name) for name in PACKAGES}, "runs": [spec["name"] for spec in runs]}
    (args.out / "parity.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
