"""Check that the shortcuts equal the plain Hugging Face path: pixels, vision tower, positions, packing.

    python check.py --model MODEL_FOLDER

Prints the largest difference of each, for a picture of every size, and fails where one is above LIMIT.
"""
from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from drawing import draw_scene
from packing import Packer
from prompts import SYSTEM, prompt_text
from scenes import SIZES, random_scene
from vision import patchify, rope_positions, vision_features

LIMIT = 1e-3  # of logits up to about 20, in float32
QUESTION = "What color is the star?"


def plain_batch(tokenizer, pixels, config, image) -> dict:
    """Inputs as the library makes them from messages and a picture."""
    messages = [{"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
                {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    batch = dict(pixels(images=[image], return_tensors="pt"))
    count = int(batch["image_grid_thw"].prod()) // 4
    batch |= tokenizer([text.replace("<|image_pad|>", "<|image_pad|>" * count)], return_tensors="pt")
    return with_token_types(batch, config)


def with_token_types(batch: dict, config) -> dict:
    """Add which tokens are picture tokens: without it transformers 5 silently uses one-dimensional positions."""
    return {**batch, "mm_token_type_ids": (batch["input_ids"] == config.image_token_id).int()}


def embedded(model, ids, features):
    x = model.model.language_model.embed_tokens(ids)
    return x.masked_scatter((ids == model.config.image_token_id)[..., None], features)


def packing_difference(model, tokenizer, scene, size, features, batch) -> float:
    """Each question of a packed row against the same question as a prompt of its own."""
    ids, pos, mask, _, _ = Packer(tokenizer, model.config).batch([scene], size, 4, random.Random(1))
    h = model.model.language_model(
        inputs_embeds=embedded(model, ids, features), position_ids=pos, attention_mask=mask).last_hidden_state
    packed, flat = model.lm_head(h)[0], ids[0].tolist()
    cut = flat.index(model.config.vision_end_token_id) + 1
    # Positions fall back at the start of every question but the first.
    ends = [k + 1 for k in range(cut, len(flat) - 1) if pos[0, 0, k + 1] < pos[0, 0, k]] + [len(flat)]
    worst = 0.0
    for a, b in zip([cut] + ends, ends):
        one = {**batch, "input_ids": torch.tensor([flat[:cut] + flat[a:b]])}
        one.pop("attention_mask")
        logits = model(**with_token_types(one, model.config)).logits[0]
        worst = max(worst, float((logits[cut:] - packed[a:b]).abs().max()))
    return worst


@torch.no_grad()
def differences(model, tokenizer, pixels, scene, size) -> dict[str, float]:
    image = draw_scene(scene)
    batch = plain_batch(tokenizer, pixels, model.config, image)
    ids = tokenizer(prompt_text(QUESTION, size[0] * size[1] // 784)).input_ids
    assert ids == batch["input_ids"][0].tolist(), "the written-out prompt is not the chat template's"
    theirs = model.model.get_image_features(batch["pixel_values"], batch["image_grid_thw"]).pooler_output
    theirs = theirs[0] if isinstance(theirs, (list, tuple)) else theirs
    ours = vision_features(model.model.visual, np.array(image)[None])[0]
    pos = rope_positions(ids, model.config, (size[1] // 28, size[0] // 28))
    h = model.model.language_model(
        inputs_embeds=embedded(model, torch.tensor([ids]), ours), position_ids=pos[:, None]).last_hidden_state
    return {
        "pixels": float((batch["pixel_values"] - patchify(np.array(image)[None])[0]).abs().max()),
        "vision": float((theirs - ours).abs().max()),
        "logits": float((model(**batch).logits[0] - model.lm_head(h)[0]).abs().max()),
        "packing": packing_difference(model, tokenizer, scene, size, ours, batch),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    pixels = Qwen2VLImageProcessorPil.from_pretrained(args.model)
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.model, dtype=torch.float32).eval()
    model.config.pad_token_id = tokenizer.pad_token_id
    rng = random.Random(3)
    for size in SIZES:
        scene = random_scene(rng)
        while (scene.width, scene.height) != size:
            scene = random_scene(rng)
        found = differences(model, tokenizer, pixels, scene, size)
        print(size, {k: f"{v:.1e}" for k, v in found.items()})
        if max(found.values()) > LIMIT:
            raise SystemExit(f"above {LIMIT}")


if __name__ == "__main__":
    main()
