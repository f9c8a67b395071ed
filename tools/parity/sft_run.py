"""A run of TRL's SFTTrainer, with the rows of every micro-batch written down."""
from __future__ import annotations

from datasets import Dataset
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer

from demo_side import answer_messages, picture, prompt_messages, target_text
from recorder import Recorder, resolved_options


class Watch:
    """Stands before a collator: keeps the rows, tokens and labels of each batch, and hides `row` from the collator."""

    def __init__(self, collate):
        self.collate = collate
        self.batches: list[list[int]] = []
        self.tokens: dict[int, dict] = {}

    def __call__(self, examples):
        rows = [example["row"] for example in examples]
        batch = self.collate([{k: v for k, v in example.items() if k != "row"} for example in examples])
        self.batches.append(rows)
        for i, row in enumerate(rows):
            live = batch["attention_mask"][i].bool()
            ids, labels = batch["input_ids"][i][live].tolist(), batch["labels"][i][live].tolist()
            self.tokens[row] = {"ids": ids, "labels": [int(label != -100) for label in labels]}
        return batch


class WatchedTrainer(SFTTrainer):
    """Keeps the optimizer step of each micro-batch; the loader may fetch more batches than are used."""

    def training_step(self, *args, **kwargs):
        self.step_of_batch.append(self.state.global_step)
        return super().training_step(*args, **kwargs)


def all_text_collator(processor, image_id: int):
    """Labels on every token but padding and image placeholders, as MMHERC."""
    def collate(examples):
        texts, images = [], []
        for example in examples:
            chat = [{"role": "system", "content": [{"type": "text", "text": example["prompt"][0]["content"]}]},
                    {"role": "user", "content": [{"type": "image"},
                                                 {"type": "text", "text": example["prompt"][1]["content"]}]},
                    {"role": "assistant", "content": [{"type": "text", "text": example["completion"][0]["content"]}]}]
            texts.append(processor.tokenizer.apply_chat_template(chat, tokenize=False))
            images.append([example["image"]])
        batch = processor(text=texts, images=images, return_tensors="pt", padding=True, padding_side="right")
        labels = batch["input_ids"].clone()
        labels[(batch["attention_mask"] == 0) | (labels == image_id)] = -100
        return {**batch, "labels": labels}

    return collate


def run_sft(demo, spec, model, processor, rows, common):
    """Trains; returns the recorder and the record of the rows."""
    data = Dataset.from_list([{"prompt": prompt_messages(r), "completion": answer_messages(r),
                               "image": picture(demo, r), "row": r["row"]} for r in rows])
    config = SFTConfig(max_length=None, remove_unused_columns=False, dataset_kwargs={"skip_prepare_dataset": True},
                       **spec["options"], **common)
    own = spec["options"]["completion_only_loss"]
    collate = None if own else all_text_collator(processor, model.config.image_token_id)
    recorder = Recorder()
    trainer = WatchedTrainer(model=model, args=config, train_dataset=data, data_collator=collate,
                             processing_class=processor, callbacks=[recorder])
    trainer.remove_callback(PrinterCallback)
    trainer.step_of_batch = []
    watch = trainer.data_collator = Watch(trainer.data_collator)
    trainer.train()
    steps: list[list[list[int]]] = [[] for _ in range(trainer.state.global_step)]
    for rows_of_batch, step in zip(watch.batches, trainer.step_of_batch):
        steps[step].append(rows_of_batch)
    return recorder, {"resolved": resolved_options(config), "microBatches": steps, "tokens": watch.tokens}
