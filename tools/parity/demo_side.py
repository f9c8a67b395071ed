"""The demo model, its processor, its rows and an adapter, as TRL's trainers take them."""
from __future__ import annotations

import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))

from prompts import SYSTEM, read_jsonl, target_text  # noqa: E402

TARGET_TEMPLATE = target_text("{thought}", "{answer}")
LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}


class ImageOnlyProcessor(Qwen2_5_VLProcessor):
    """Allows video_processor=None, which would need torchvision."""

    def check_argument_for_proper_class(self, name, value):
        return None


def load_processor(demo: Path) -> ImageOnlyProcessor:
    """GRPOTrainer asks for padding on the left: otherwise it takes mm_token_type_ids padded on the right for prompts
    padded on the left, and shorter prompts of a batch get their picture's positions wrong. SFT's collators set theirs.
    """
    tokenizer = AutoTokenizer.from_pretrained(demo / "model", padding_side="left")
    return ImageOnlyProcessor(Qwen2VLImageProcessorPil.from_pretrained(demo / "model"), tokenizer, None,
                              chat_template=tokenizer.chat_template)


def load_model(demo: Path, start: Path | None, seed: int, dtype: torch.dtype):
    """The demo model with a fresh adapter (`start` None) or with one from a PEFT folder."""
    torch.manual_seed(seed)
    base = Qwen2_5_VLForConditionalGeneration.from_pretrained(demo / "model", dtype=dtype)
    if start is None:
        return get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **LORA), autocast_adapter_dtype=False)
    return PeftModel.from_pretrained(base, start, is_trainable=True, autocast_adapter_dtype=False)


def load_rows(demo: Path, count: int) -> list[dict]:
    """The first rows of the training file; `row` is the index that both sides speak of."""
    rows = read_jsonl(demo / "data" / "demo_cot_train.jsonl")[:count]
    return [{**row, "row": i} for i, row in enumerate(rows)]


def picture(demo: Path, row: dict) -> Image.Image:
    return Image.open(demo / "data" / "images" / row["image"]).convert("RGB")


def prompt_messages(row: dict) -> list[dict]:
    """System and question; TRL puts the picture in front of the question."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": row["question"]}]


def answer_messages(row: dict) -> list[dict]:
    return [{"role": "assistant", "content": target_text(row["thought"], row["answer"])}]
