"""A run of TRL's GRPOTrainer whose completions come from a script instead of the model."""
from __future__ import annotations

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer
from trl.trainer import grpo_trainer

from demo_side import picture, prompt_messages
from recorder import Recorder, resolved_options
from script import make_rewards, scripted_rollout


class ScriptedTrainer(GRPOTrainer):
    """Only generation is replaced: scoring, advantages, buffering, loss and update are TRL's."""

    def _generate_and_score_completions(self, inputs):
        self.asked = [example["row"] for example in inputs]
        output = super()._generate_and_score_completions(inputs)
        self.rollouts[-1]["advantages"] = output["advantages"].tolist()
        return output

    def _calculate_rewards(self, *args, **kwargs):
        values = super()._calculate_rewards(*args, **kwargs)
        self.rollouts[-1]["rewards"] = [[None if v != v else v for v in row] for row in values.tolist()]
        return values

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, num_generations, has_tool_images=False):
        completions = scripted_rollout(self._tokenizer, self.script_rows, self.asked, self.args.seed,
                                       len(self.rollouts), num_generations, self.max_completion_length)
        self.rollouts.append({"rows": self.asked[::num_generations], "completions": completions})
        self.prompts.update(zip(self.asked, prompt_ids))
        return completions, None


def watch_shuffle(rollouts: list[dict]):
    """Keeps the order in which TRL shuffles a scored batch before it cuts it into micro-batches."""
    original = grpo_trainer.shuffle_sequence_dict

    def watched(batch):
        shuffled = original({**batch, "order": torch.arange(len(batch["prompt_ids"]))})
        rollouts[-1]["order"] = shuffled.pop("order").tolist()
        return shuffled

    grpo_trainer.shuffle_sequence_dict = watched
    return original


def run_grpo(demo, spec, model, processor, rows, common):
    """Trains; returns the recorder and the record of rollouts and prompts."""
    data = Dataset.from_list([{"prompt": prompt_messages(r), "answer": r["answer"], "image": picture(demo, r),
                               "row": r["row"]} for r in rows])
    config = GRPOConfig(**spec["options"], **common)
    recorder = Recorder()
    trainer = ScriptedTrainer(model=model, reward_funcs=make_rewards(config.max_completion_length), args=config,
                              train_dataset=data, processing_class=processor, callbacks=[recorder])
    trainer.remove_callback(PrinterCallback)
    trainer.script_rows, trainer.rollouts, trainer.prompts = rows, [], {}
    original = watch_shuffle(trainer.rollouts)
    try:
        trainer.train()
    finally:
        grpo_trainer.shuffle_sequence_dict = original
    return recorder, {"resolved": resolved_options(config), "rollouts": trainer.rollouts, "prompts": trainer.prompts}
