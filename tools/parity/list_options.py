"""List every option of PEFT's LoraConfig and TRL's SFTConfig and GRPOConfig with its default.

    python tools/parity/list_options.py > tools/parity/trl_options.json

A test holds the recipe's tables and docs/options.md against this list, so that no option stays undecided. Run it again
with new versions in requirements.txt; a default that JSON cannot hold is written as text.
"""
import dataclasses
import enum
import json

import peft
import transformers
import trl

CLASSES = [peft.LoraConfig, trl.SFTConfig, trl.GRPOConfig]


def plain(value):
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, dict)) and not value:
        return value
    return repr(value)


def default_of(field: dataclasses.Field):
    if field.default is not dataclasses.MISSING:
        return plain(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return plain(field.default_factory())
    return None


def main():
    listing = {"versions": {module.__name__: module.__version__ for module in (peft, transformers, trl)}}
    for cls in CLASSES:
        listing[cls.__name__] = {field.name: default_of(field) for field in dataclasses.fields(cls)}
    print(json.dumps(listing, indent=2))


if __name__ == "__main__":
    main()
