"""What a trainer did, step by step: its logs and its adapter; written as one folder per run."""
from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import TrainerCallback


class Recorder(TrainerCallback):
    """Copies the adapter after every optimizer step and keeps every log line."""

    def __init__(self):
        self.adapters: dict[str, torch.Tensor] = {}
        self.logs: list[dict] = []

    def on_step_end(self, args, state, control, model=None, **_):
        for key, value in get_peft_model_state_dict(model, adapter_name="default").items():
            self.adapters[f"step.{state.global_step}.{key}"] = value.detach().to(torch.float32).clone().contiguous()

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.logs.append({k: v for k, v in logs.items() if v is not None and math.isfinite(v)})


def resolved_options(config) -> dict:
    """Every plain option as the trainer has it, defaults included: the other side takes its options from here."""
    plain = (bool, int, float, str, type(None))
    return {k: v for k, v in config.to_dict().items()
            if isinstance(v, plain) or isinstance(v, list) and all(isinstance(x, plain) for x in v)}


def write_run(folder: Path, spec: dict, recorder: Recorder, record: dict) -> None:
    """run.json and adapters.safetensors; the starting adapter lies in `start` already."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(recorder.adapters, folder / "adapters.safetensors")
    body = {**spec, "steps": recorder.logs, **record}
    (folder / "run.json").write_text(json.dumps(body), encoding="utf-8")


def save_start(model, folder: Path) -> None:
    """The adapter before training, in PEFT's own form."""
    model.save_pretrained(folder / "start", selected_adapters=["default"])
