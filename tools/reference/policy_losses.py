"""Write src/train/policy/testing/trlPolicyLosses.json: losses, gradients and metrics that TRL's own `_compute_loss` gives.

    pip install torch==2.13.0 trl==1.16.0
    python tools/reference/policy_losses.py [--out FILE]
    npx prettier --write src/train/policy/testing/trlPolicyLosses.json

The model is replaced by given log-probabilities and entropies (float64, so exact), which makes every loss type, level
and option cheap to record, corners included: rows without tokens, batches without live tokens, ratios far outside all
bounds. `scenes` hold the inputs, padded; each of `cases` names its scene and options and holds d loss / d logp and
d loss / d entropy, flat and row-major (an empty list: all zero), and the metrics of the micro-batch; null is NaN.
Results have 13 digits. All numbers depend on the seed below only.
"""
import argparse
import json
import math
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
from trl import GRPOConfig, GRPOTrainer

SEED = 20261125
LOSS_TYPES = ["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"]
ACCUMULATION = {"gradient_accumulation_steps": 2, "steps_per_generation": 3, "items_in_batch": 41}
WIDTH = 6

# Applied to every loss type at both levels, on the scene `mixed`.
OPTION_SETS = {
    "beta_0": {},
    "on_policy": {"beta": 0.3, "on_policy": True},
    "corrected_kl": {"beta": 0.3, "epsilon": 0.1, "epsilon_high": 0.28},
    "plain_kl_masked": {"beta": 0.3, "use_bias_correction_kl": False, "mask_truncated_completions": True},
    "delta_and_entropy": {"beta": 0.1, "delta": 1.3, "top_entropy_quantile": 0.45, "entropy_coef": 0.05},
    "other_constants": {"epsilon_high": 1.5, "sapo_temperature_pos": 0.6, "sapo_temperature_neg": 2.5, "vespo_k_pos": 1,
                        "vespo_lambda_pos": 0, "vespo_k_neg": 1.5, "vespo_lambda_neg": 0.7, "max_completion_length": 9},
}
# Applied to every loss type on the scenes of corners.
CORNERS = {
    "all_truncated": {"beta": 0.1, "mask_truncated_completions": True, "top_entropy_quantile": 0.5, "entropy_coef": 0.1},
    "no_tokens_in_a_row": {"beta": 0.1},
    "far_ratios": {"beta": 0.01},
    "zero_advantages": {},
}


def random_scene(lengths, truncated, advantages, spread=0.6):
    shape = (len(lengths), WIDTH)
    # Values that float32 holds too: TRL takes the entropy quantile in float32.
    draw = lambda low, high: (torch.rand(shape) * (high - low) + low).float().double()
    logp = draw(-4, -0.1)
    mask = torch.tensor([[float(t < length) for t in range(WIDTH)] for length in lengths], dtype=torch.float64)
    return {"logp": logp, "old": logp + draw(-spread, spread), "ref": logp + draw(-1, 1), "entropy": draw(0.1, 3),
            "mask": mask, "advantages": torch.tensor(advantages, dtype=torch.float64), "truncated": truncated}


def make_scenes():
    torch.set_default_dtype(torch.float64)  # else torch.where makes float32 of the options that it chooses between
    torch.manual_seed(SEED)
    return {
        "mixed": random_scene([6, 4, 1, 5], [False, False, False, True], [1.3, -0.8, -0.4, 0.6]),
        "all_truncated": random_scene([6, 6], [True, True], [1, -1]),
        "no_tokens_in_a_row": random_scene([3, 0, 2], [False, True, False], [0.5, 0.7, -1]),
        "far_ratios": random_scene([6, 5], [False, False], [0.9, -1.1], spread=25),
        "zero_advantages": random_scene([2, 6], [False, False], [0, 0]),
    }


class OneProcess:
    """What `_compute_loss` asks of accelerate, for a single process."""

    num_processes = 1
    sync_gradients = True

    def gather(self, tensor):
        return tensor.reshape(-1)

    def reduce(self, tensor, reduction):
        return tensor

    def pad_across_processes(self, tensor, dim, pad_index):
        return tensor


def stub_trainer(options, logp, entropy):
    """A record with the attributes that `_compute_loss` reads; the defaults are those of GRPOConfig."""
    defaults = {name: field.default for name, field in GRPOConfig.__dataclass_fields__.items()}
    args = SimpleNamespace(**{**defaults, **options, "steps_per_generation": ACCUMULATION["steps_per_generation"]})
    trainer = SimpleNamespace(
        args=args, accelerator=OneProcess(), model=SimpleNamespace(training=True), aux_loss_enabled=False,
        use_vllm=False, vllm_importance_sampling_correction=False, off_policy_mask_threshold=None,
        use_adaptive_entropy=False, entropy_coef=args.entropy_coef, _entropy_bonus_enabled=args.entropy_coef != 0.0,
        loss_type=args.loss_type, beta=args.beta, importance_sampling_level=args.importance_sampling_level,
        epsilon_low=args.epsilon, epsilon_high=args.epsilon if args.epsilon_high is None else args.epsilon_high,
        top_entropy_quantile=args.top_entropy_quantile, max_completion_length=args.max_completion_length,
        current_gradient_accumulation_steps=ACCUMULATION["gradient_accumulation_steps"],
        _metrics={"train": defaultdict(list)}, get_gamma_weights=GRPOTrainer.get_gamma_weights,
        _get_per_token_logps_and_entropies=lambda *_, **__: (logp, entropy, None),
    )
    trainer.get_high_entropy_mask = lambda *inputs: GRPOTrainer.get_high_entropy_mask(trainer, *inputs)
    return trainer


def number(value):
    return None if math.isnan(value) else float(f"{value:.13g}")


def flat(tensor):
    return [number(value) for value in tensor.reshape(-1).tolist()]


def record_case(name, scene_name, scene, options):
    on_policy = options.get("on_policy", False)
    options = {key: value for key, value in options.items() if key != "on_policy"}
    logp, entropy = scene["logp"].clone().requires_grad_(), scene["entropy"].clone().requires_grad_()
    live = scene["mask"].clone()
    if options.get("mask_truncated_completions"):
        live[torch.tensor(scene["truncated"])] = 0
    items = 0 if live.sum() == 0 else ACCUMULATION["items_in_batch"]
    prompt = torch.zeros(len(live), 1, dtype=torch.long)
    inputs = {"prompt_ids": prompt, "prompt_mask": prompt, "completion_ids": torch.zeros(live.shape, dtype=torch.long),
              "completion_mask": live, "advantages": scene["advantages"], "ref_per_token_logps": scene["ref"],
              "num_items_in_batch": torch.tensor(float(items), dtype=torch.float64)}
    if not on_policy:
        inputs["old_per_token_logps"] = scene["old"]
    trainer = stub_trainer(options, logp, entropy)
    loss = GRPOTrainer._compute_loss(trainer, trainer.model, inputs)
    grads = torch.autograd.grad(loss, [logp, entropy], allow_unused=True)
    c, e = [torch.zeros_like(logp) if grad is None else grad for grad in grads]
    return {"name": name, "scene": scene_name, "options": options, "on_policy": on_policy, "items_in_batch": items,
            "loss": number(loss.item()), "c": flat(c), "e": flat(e) if e.any() else [],
            "metrics": {key: number(values[0]) for key, values in trainer._metrics["train"].items()}}


def make_cases(scenes):
    for loss_type in LOSS_TYPES:
        for level in ["token", "sequence"]:
            common = {"loss_type": loss_type, "importance_sampling_level": level}
            for name, options in OPTION_SETS.items():
                yield record_case(f"{loss_type} {level} {name}", "mixed", scenes["mixed"], common | options)
            for name, options in CORNERS.items():
                yield record_case(f"{loss_type} {level} {name}", name, scenes[name], common | options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("src/train/policy/testing/trlPolicyLosses.json"))
    args = parser.parse_args()
    scenes = make_scenes()
    cases = [json.dumps(case) for case in make_cases(scenes)]
    stored = {name: {key: value if key == "truncated" else value.reshape(-1).tolist() for key, value in scene.items()}
              for name, scene in scenes.items()}
    head = json.dumps({"accumulation": ACCUMULATION, "width": WIDTH, "scenes": stored})
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(head[:-1] + ', "cases": [\n' + ",\n".join(cases) + "\n]}\n", encoding="utf-8")
    print(f"{args.out}: {len(cases)} cases, {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
