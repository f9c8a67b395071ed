"""Train the small byte-level BPE and write it in the layout of Qwen2.5-VL's tokenizer.

    python build_tokenizer.py --out MODEL_FOLDER

Writes tokenizer.json, tokenizer_config.json and chat_template.json. The split pattern and the names of the special
tokens are those of Qwen2.5's tokenizer; vocabulary, merges and chat template are made here.
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from prompts import GENERIC_SYSTEM, SYSTEM, styled_text
from questions import ask, ask_any
from scenes import random_scene

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
           "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
           "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
PLAIN = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
         "<|repo_name|>", "<|file_sep|>"]
BPE_SIZE = 554  # an upper bound: training ends at 501, when the corpus has no pair left to merge
CHAT_TEMPLATE = """{%- macro text_of(content) -%}
{%- if content is string -%}
{{ content }}
{%- else -%}
{%- for part in content -%}
{%- if part['type'] == 'image' -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif part['type'] == 'text' -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}
{%- macro turn(role, content) -%}
{{ '<|im_start|>' + role + '\\n' + text_of(content) + '<|im_end|>\\n' }}
{%- endmacro -%}
{%- if messages[0]['role'] != 'system' -%}
{{ turn('system', 'You are a helpful assistant.') }}
{%- endif -%}
{%- for message in messages -%}
{{ turn(message['role'], message['content']) }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"""


def corpus(rows: int = 12000, seed: int = 11):
    """Questions, answers in all styles, system prompts and role names, about as often as pretraining meets them."""
    rng = random.Random(seed)
    for k in range(rows):
        scene = random_scene(rng)
        row = ask(scene, "describe", rng) if k % 8 == 0 else ask_any(scene, rng)
        yield row["question"]
        yield styled_text(row, rng) if row["kind"] != "describe" else row["answer"]
        yield SYSTEM if k % 4 else GENERIC_SYSTEM
        yield "system\nuser\nassistant\n"


def train() -> Tokenizer:
    tok = Tokenizer(models.BPE(unk_token=None, continuing_subword_prefix="", end_of_word_suffix=""))
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
    ])
    tok.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tok.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=BPE_SIZE, show_progress=False, initial_alphabet=alphabet)
    tok.train_from_iterator(corpus(), trainer)
    tok.add_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tok.add_tokens([AddedToken(t, normalized=False, special=False) for t in PLAIN])
    return tok


def config_of(tok: Tokenizer) -> dict:
    """tokenizer_config.json as the published checkpoints write it."""
    added = {
        str(tok.token_to_id(t)): {"content": t, "lstrip": False, "normalized": False, "rstrip": False,
                                  "single_word": False, "special": t in SPECIAL}
        for t in SPECIAL + PLAIN
    }
    return {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added,
        "additional_special_tokens": SPECIAL[1:], "bos_token": None, "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
        "model_max_length": 1024, "pad_token": "<|endoftext|>", "processor_class": "Qwen2_5_VLProcessor",
        "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="model folder to write into")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tok = train()
    tok.save(str(args.out / "tokenizer.json"))
    (args.out / "tokenizer_config.json").write_text(json.dumps(config_of(tok), indent=2) + "\n")
    template = {"chat_template": CHAT_TEMPLATE}
    (args.out / "chat_template.json").write_text(json.dumps(template, indent=2) + "\n")
    print("ids:", tok.get_vocab_size())


if __name__ == "__main__":
    main()
