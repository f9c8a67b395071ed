"""The same recipe with PEFT and TRL's own trainers, pictures and all, as a yardstick of time.

    pip install trl==1.16.0 datasets==5.2.0
    python peer_trl.py --demo DEMO_FOLDER

torchvision is not needed: the Pillow image processor is used, without a video processor. The reference of the KL is
what TRL takes when it continues a given adapter (a frozen copy), unlike run_recipe.py; the amount of work is the same.
"""
from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from prompts import read_jsonl, target_text
from rewards import format_reward, semantic_reward


class ImageOnlyProcessor(Qwen2_5_VLProcessor):
    """Allows video_processor=None, which would need torchvision."""

    def check_argument_for_proper_class(self, name, value):
        return None


def messages(row: dict, system: str) -> list[dict]:
    return [{"role": "system", "content": [{"type": "text", "text": system}]},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row["question"]}]}]


def make_collate(processor, tokenizer, system: str, picture, image_id: int):
    """Batches with labels on all text, as MMHERC."""
    def collate(rows):
        texts = []
        for row in rows:
            answer = {"type": "text", "text": target_text(row["thought"], row["answer"])}
            chat = messages(row, system) + [{"role": "assistant", "content": [answer]}]
            texts.append(tokenizer.apply_chat_template(chat, tokenize=False))
        out = processor(text=texts, images=[[picture(r)] for r in rows], return_tensors="pt", padding=True)
        labels = out["input_ids"].clone()
        labels[(out["attention_mask"] == 0) | (labels == image_id)] = -100
        return {**out, "labels": labels}

    return collate


def semantic(completions, answer, **_):
    return [semantic_reward(c[0]["content"], a) for c, a in zip(completions, answer)]


def form(completions, **_):
    return [format_reward(c[0]["content"]) for c in completions]


def trainers(demo: Path, recipe: dict, seed: int):
    """The SFT trainer, and a function that makes the GRPO trainer from the tuned model."""
    s, g, lora = recipe["sft"], recipe["grpo"], recipe["lora"]
    tokenizer = AutoTokenizer.from_pretrained(demo / "model")
    processor = ImageOnlyProcessor(Qwen2VLImageProcessorPil.from_pretrained(demo / "model"), tokenizer, None,
                                   chat_template=tokenizer.chat_template)
    torch.manual_seed(seed)
    base = Qwen2_5_VLForConditionalGeneration.from_pretrained(demo / "model", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(
        r=lora["r"], lora_alpha=lora["alpha"], lora_dropout=lora["dropout"], task_type="CAUSAL_LM",
        target_modules=lora["target_modules"]))
    rows = read_jsonl(demo / "data" / "demo_cot_train.jsonl")
    picture = lambda row: Image.open(demo / "data" / "images" / row["image"]).convert("RGB")
    common = dict(output_dir=tempfile.mkdtemp(), use_cpu=True, bf16=False, report_to="none", save_strategy="no",
                  logging_steps=5, seed=seed, gradient_checkpointing=False, weight_decay=0.0,
                  dataloader_pin_memory=False)
    collate = make_collate(processor, tokenizer, recipe["system_prompt"], picture, base.config.image_token_id)
    first = SFTTrainer(
        model=model, train_dataset=Dataset.from_list(rows), data_collator=collate, processing_class=processor,
        args=SFTConfig(max_steps=s["steps"], per_device_train_batch_size=s["batch_size"],
                       gradient_accumulation_steps=s["gradient_accumulation_steps"], learning_rate=s["learning_rate"],
                       lr_scheduler_type=s["schedule"], warmup_steps=s["warmup_steps"], remove_unused_columns=False,
                       dataset_kwargs={"skip_prepare_dataset": True}, max_length=None, **common))

    def second(tuned):
        # Without it TRL gives shorter prompts wrong picture positions, silently.
        tokenizer.padding_side = "left"
        data = Dataset.from_list([
            {"prompt": messages(r, recipe["system_prompt"]), "answer": r["answer"], "image": picture(r)} for r in rows])
        return GRPOTrainer(
            model=tuned, reward_funcs=[semantic, form], train_dataset=data, processing_class=processor,
            args=GRPOConfig(max_steps=g["steps"],
                            per_device_train_batch_size=g["prompts_per_step"] * g["num_generations"],
                            gradient_accumulation_steps=1, num_generations=g["num_generations"],
                            max_completion_length=recipe["max_completion_length"], learning_rate=g["learning_rate"],
                            lr_scheduler_type=g["schedule"], warmup_steps=g["warmup_steps"], beta=g["beta"],
                            temperature=g["temperature"], loss_type=g["loss_type"], max_grad_norm=g["max_grad_norm"],
                            num_iterations=1, **common))

    return first, second


def timed(trainer) -> float:
    began = time.time()
    trainer.train()
    return time.time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = json.loads((args.demo / "recipe.json").read_text())
    first, second = trainers(args.demo, recipe, args.seed)
    sft_seconds = timed(first)
    semantic_reward("<answer>red</answer>", "red")  # loads MiniLM outside the clock
    trainer = second(first.model)
    grpo_seconds = timed(trainer)
    print(json.dumps({
        "sft_seconds": round(sft_seconds, 2), "grpo_seconds": round(grpo_seconds, 2),
        "sft_seconds_per_step": round(sft_seconds / recipe["sft"]["steps"], 3),
        "grpo_seconds_per_step": round(grpo_seconds / recipe["grpo"]["steps"], 3),
        "reward_every_5_steps": [h["reward"] for h in trainer.state.log_history if "reward" in h],
    }))


if __name__ == "__main__":
    main()
