"""One training step of a large model beside transformers and PEFT: logits and the gradient of every adapter factor.

    python wide_model.py prepare MODEL DIR     # an adapter to start from, a row with a picture, a recipe to change at will
    npm run train -- --model MODEL --adapter DIR/adapter --data DIR/data --recipe DIR/recipe.json --out DIR/run
    python wide_model.py compare MODEL DIR

The run makes one SFT step without clipping, so that AdamW's first moment is (1 - beta1) times the gradient; it is read
from DIR/run/run.safetensors. The logits are those of DIR/run/check, after the step. MODEL may have any number of layers
that fits the memory in float32 (4 layers of the 3B: 3 GB). A run with `load_in_4bit` is compared with the base as
bitsandbytes quantizes it, dequantized from the format (needs bitsandbytes).
"""
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RANK, ALPHA, BETA1 = 8, 16, 0.9
RECIPE = {
    "system_prompt": "Think in <thought></thought>, then reply in <answer></answer>.",
    "target_template": "<thought> {thought}</thought>\n<answer>{answer}</answer>",
    "lora": {"r": RANK, "lora_alpha": ALPHA, "target_modules": MODULES},
    "sft": {"max_steps": 1, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "learning_rate": 1e-4,
            "adam_beta1": BETA1, "max_grad_norm": 1e9, "max_length": 130},
    "grpo": {"max_steps": 0, "max_completion_length": 1},
    "eval": {"rows": 1, "samples_per_row": 0},
}
ROW = {"image": "field.png", "question": "What is above the field?", "thought": "The sun stands over it.", "answer": "the sun"}


def load(folder, dtype=torch.float32):
    return Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype, attn_implementation="eager")


def prepare(model_dir, out):
    out = Path(out)
    (out / "data").mkdir(parents=True)
    torch.manual_seed(1)
    config = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=ALPHA, target_modules=MODULES,
                        exclude_modules=".*visual.*", init_lora_weights=False)
    model = get_peft_model(load(model_dir, torch.bfloat16), config)
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            parameter.data = torch.randn(parameter.shape) / parameter.shape[1] ** 0.5 * (0.2 if "lora_B" in name else 1.0)
    model.save_pretrained(out / "adapter")
    y, x = np.mgrid[0:112, 0:112]
    grain = np.random.default_rng(0).normal(0, 6, (112, 112, 3))
    field = (y > 70 + 8 * np.sin(x / 17))[..., None]
    sky = np.stack([110 + y, 150 + y / 2, 230 - y / 3], -1)
    soil = np.stack([70 + y / 3, 120 - y / 4, 50 + 0 * y], -1)
    Image.fromarray((np.where(field, soil, sky) + grain).clip(0, 255).astype(np.uint8)).save(out / "data" / "field.png")
    for split in ("train", "val"):
        (out / "data" / f"{split}.jsonl").write_text(json.dumps(ROW) + "\n")
    (out / "recipe.json").write_text(json.dumps(RECIPE, indent=2))


def dequantized(weight, double_quant):
    """A matrix as NF4, from the published format (float32 steps)."""
    import bitsandbytes.functional as bnb

    packed, state = bnb.quantize_4bit(weight.float(), blocksize=64, compress_statistics=double_quant, quant_type="nf4")
    byte = packed.reshape(-1).numpy()
    nibble = np.stack([byte >> 4, byte & 15], 1).reshape(-1)[: weight.numel()]
    blocks = -(-weight.numel() // 64)
    scale = state.absmax.numpy()
    if double_quant:
        nested = np.repeat(state.state2.absmax.numpy(), 256)[:blocks]
        scale = state.state2.code.numpy()[scale] * nested + np.float32(state.offset.item())
    values = state.code.numpy()[nibble] * np.repeat(scale.astype(np.float32), 64)[: weight.numel()]
    return torch.from_numpy(values.astype(np.float32).reshape(weight.shape))


def quantize_base(model, double_quant):
    """Every linear but the head, as QLoRA does."""
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.Linear) and name != "lm_head":
                module.weight.copy_(dequantized(module.weight, double_quant))


def read_run(folder):
    """The recipe that was used, and the first moments by PEFT's names."""
    with open(folder / "run.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    about = json.loads(header["__metadata__"]["lorikeet"])
    return about["about"]["record"]["recipe"], load_file(folder / "run.safetensors")


def factors(model):
    """PEFT's parameters in the order of the checkpoint: by layer and module, A before B."""
    named = dict(model.named_parameters())
    for layer in range(model.config.text_config.num_hidden_layers):
        for module in MODULES:
            part = "self_attn" if module in MODULES[:4] else "mlp"
            for factor in "AB":
                name = f"base_model.model.model.language_model.layers.{layer}.{part}.{module}.lora_{factor}.default.weight"
                yield f"layers.{layer}.{module}.lora_{factor}", named[name]


def inputs_of(case, tensors, image_token):
    ids = torch.tensor(case["input_ids"])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": (ids == image_token).int(),
            "pixel_values": tensors["pixel_values"], "image_grid_thw": torch.tensor(case["image_grid_thw"])}


def report(name, got, want):
    """Largest and root mean square difference, both relative to the root mean square of what is wanted."""
    got, want = got.double(), want.double()
    scale = want.pow(2).mean().sqrt().item()
    worst = (got - want).abs().max().item() / scale
    rms = (got - want).pow(2).mean().sqrt().item() / scale
    print(f"{name:32} rms {scale:.3e}   largest difference {worst:.2e}   rms difference {rms:.2e}")
    return worst, rms


def gradients(model, inputs, start):
    labels = inputs["input_ids"].clone()
    labels[:, :start] = -100
    labels[inputs["input_ids"] == model.config.image_token_id] = -100
    model(**inputs, labels=labels, use_cache=False).loss.backward()
    return {name: parameter.grad for name, parameter in factors(model)}


def compare(model_dir, out):
    out = Path(out)
    recipe, state = read_run(out / "run")
    case = json.loads((out / "run/check/case.json").read_text())
    tensors = load_file(out / "run/check" / case["tensors"])
    base = load(model_dir)
    if recipe.get("load_in_4bit"):
        quantize_base(base, recipe["bnb_4bit_use_double_quant"])
    for parameter in base.parameters():
        parameter.requires_grad_(False)
    with warnings.catch_warnings():
        # A key that does not fit is only a warning there, and the factor stays as it was.
        warnings.filterwarnings("error", message=".*(adapter keys|nexpected).*")
        model = PeftModel.from_pretrained(base, out / "adapter", is_trainable=True)
        model.load_adapter(out / "run/adapter", adapter_name="trained")
    model.eval()
    inputs = inputs_of(case, tensors, base.config.image_token_id)
    turn = AutoTokenizer.from_pretrained(model_dir).encode("<|im_start|>assistant\n")
    ids = case["input_ids"][0]
    start = max(at for at in range(len(ids)) if ids[at : at + len(turn)] == turn) + len(turn)
    print(f"{len(ids)} tokens, {len(ids) - start} of them labels, load_in_4bit {bool(recipe.get('load_in_4bit'))}")

    # (1 - beta1) in float32, as the step computes it.
    moment = next(value for name, value in state.items() if name.endswith("moment1")) / np.float32(1 - BETA1)
    want, at, worst = gradients(model, inputs, start), 0, []
    for name, gradient in want.items():
        got = moment[at : at + gradient.numel()].reshape(gradient.shape)
        at += gradient.numel()
        worst.append(report(f"gradient {name}", got, gradient))
    if at != moment.numel():
        raise SystemExit(f"the checkpoint has {moment.numel()} numbers, PEFT {at}")
    model.set_adapter("trained")
    with torch.no_grad():
        logits = model(**inputs, use_cache=False).logits
    logits = logits[:, case["positions"]] if "positions" in case else logits
    worst.append(report("logits after the step", tensors["logits"], logits))
    bound = 1e-3
    print(f"largest of all: {max(w for w, _ in worst):.2e}, rms {max(r for _, r in worst):.2e} (bound {bound:g} of the rms)")
    return 0 if max(w for w, _ in worst) < bound else 1


if __name__ == "__main__":
    command = {"prepare": prepare, "compare": compare}.get(sys.argv[1] if len(sys.argv) == 4 else "")
    if command is None:
        raise SystemExit(__doc__)
    raise SystemExit(command(*sys.argv[2:]))
