"""The tiny Qwen2.5-VL: same architecture and key names as the 3B checkpoint, small numbers."""
from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

VOCAB = 544  # the tokenizer's 523 ids, padded to a multiple of 32 as the real model pads its own


def config_dict(tokenizer) -> dict:
    """config.json in the flat layout that the checkpoints on the hub use."""
    tid = tokenizer.convert_tokens_to_ids
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": tid("<|endoftext|>"),
        "eos_token_id": tid("<|im_end|>"),
        "pad_token_id": tid("<|endoftext|>"),
        "vision_start_token_id": tid("<|vision_start|>"),
        "vision_end_token_id": tid("<|vision_end|>"),
        "vision_token_id": tid("<|vision_pad|>"),
        "image_token_id": tid("<|image_pad|>"),
        "video_token_id": tid("<|video_pad|>"),
        "hidden_act": "silu",
        "hidden_size": 128,
        "initializer_range": 0.05,
        "intermediate_size": 384,
        "max_position_embeddings": 1024,
        "max_window_layers": 4,
        "model_type": "qwen2_5_vl",
        "num_attention_heads": 4,
        "num_hidden_layers": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-06,
        "rope_theta": 100.0,
        "sliding_window": 1024,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vision_config": {
            "depth": 4,
            "hidden_act": "silu",
            "hidden_size": 64,
            "intermediate_size": 192,
            "num_heads": 4,
            "in_chans": 3,
            "out_hidden_size": 128,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "spatial_patch_size": 14,
            "window_size": 56,
            "fullatt_block_indexes": [1, 3],
            "tokens_per_second": 2,
            "temporal_patch_size": 2,
        },
        "rope_scaling": {"type": "mrope", "mrope_section": [4, 6, 6]},
        "vocab_size": VOCAB,
    }


def new_model(folder: Path, seed: int) -> Qwen2_5_VLForConditionalGeneration:
    """A float32 model with random weights; `folder` holds the tokenizer."""
    torch.manual_seed(seed)
    config = config_dict(AutoTokenizer.from_pretrained(folder))
    config.pop("torch_dtype")
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**config)).float()


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def save_model(model, folder: Path, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write the weights under the hub's key names, and the JSON files beside them; `folder` holds the tokenizer."""
    tensors = {}
    for key, value in model.state_dict().items():
        if key == "lm_head.weight":
            continue  # tied
        key = key.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        tensors[key] = value.detach().to(dtype).contiguous()
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = config_dict(AutoTokenizer.from_pretrained(folder))
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", {
        "bos_token_id": config["bos_token_id"], "pad_token_id": config["pad_token_id"], "do_sample": True,
        "eos_token_id": [config["eos_token_id"], config["bos_token_id"]],
        "repetition_penalty": 1.0, "temperature": 1.0,
    })
    _write_json(folder / "preprocessor_config.json", {
        "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "min_pixels": 3136, "max_pixels": 50176, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3, "rescale_factor": 1 / 255,
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor",
    })
