"""Write src/base/torchOrders.json and src/data/trlBins.json: the row orders of PyTorch, accelerate, transformers and
TRL, and TRL's bins for packing.

Run from the repository root, with torch, transformers, accelerate, datasets and trl 1.16:
    python tools/reference/order_cases.py
    npx prettier --write src/base/torchOrders.json src/data/trlBins.json
"""

import hashlib
import json
import tempfile

import accelerate
import pyarrow as pa
import torch
import transformers
import trl
from accelerate.data_loader import SeedableRandomSampler
from transformers import Trainer, TrainingArguments
from trl.data_utils import _pack_bfd
from trl.trainer.utils import RepeatSampler


def short(order):
    """The order itself when small, else the SHA-256 of its numbers joined by commas."""
    if len(order) <= 100:
        return order
    return hashlib.sha256(",".join(map(str, order)).encode()).hexdigest()


def permutations():
    """Two torch.randperm calls in a row from one generator, per seed and count."""
    cases = []
    for seed in [0, 42, 2**32 - 1, 2**32 + 5, 2**53 - 1]:
        for count in [0, 1, 2, 10, 100, 1000, 100_000]:
            generator = torch.Generator().manual_seed(seed)
            calls = [torch.randperm(count, generator=generator).tolist() for _ in range(2)]
            cases.append({"seed": seed, "count": count, "calls": [short(call) for call in calls]})
    return cases


def sampler_epochs(rows, seed, epochs):
    """accelerate's sampler, made as its data loader makes it, over several epochs."""
    sampler = SeedableRandomSampler(range(rows), data_seed=seed)
    orders = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    return orders


class Recording(torch.nn.Module):
    """Records the rows that it is given."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def forward(self, row):
        self.seen += row.tolist()
        return {"loss": self.weight * row.float().mean()}


def trainer_epochs(rows, seed, epochs):
    """The rows in the order in which a real Trainer visits them."""
    model = Recording()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            seed=seed,
            num_train_epochs=epochs,
            per_device_train_batch_size=3,
            gradient_accumulation_steps=2,
            remove_unused_columns=False,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        Trainer(model, arguments, train_dataset=[{"row": row} for row in range(rows)]).train()
    return [model.seen[epoch * rows : (epoch + 1) * rows] for epoch in range(epochs)]


def repeat_passes(rows, seed, passes):
    """TRL's sampler over several passes, one row to a chunk so that none is dropped."""
    sampler = RepeatSampler(range(rows), mini_repeat_count=1, batch_size=1, repeat_count=1, seed=seed)
    return [list(sampler) for _ in range(passes)]


def bins_of(lengths, budget):
    """TRL's bins as lists of rows: each row's tokens are its own number."""
    column = pa.array([[row] * length for row, length in enumerate(lengths)])
    packed = _pack_bfd(pa.table({"input_ids": column}), budget, "truncate").to_pydict()["input_ids"]
    return [list(dict.fromkeys(tokens)) for tokens in packed]


def bin_cases():
    generator = torch.Generator().manual_seed(3)
    cases = []
    for count, low, high, budget in [(1, 1, 5, 4), (12, 1, 9, 10), (60, 1, 40, 64), (400, 20, 500, 1024)]:
        lengths = torch.randint(low, min(high, budget + 1), (count,), generator=generator).tolist()
        cases.append({"lengths": lengths, "budget": budget, "bins": bins_of(lengths, budget)})
    equal = [4] * 7
    cases.append({"lengths": equal, "budget": 10, "bins": bins_of(equal, 10)})
    return cases


def write(path, content):
    with open(path, "w") as file:
        json.dump({"madeBy": "tools/reference/order_cases.py", **content}, file)


def main():
    trainer = {"rows": 11, "seed": 42, "epochs": trainer_epochs(11, 42, 3)}
    sampler = [
        {"rows": rows, "seed": seed, "epochs": [short(order) for order in sampler_epochs(rows, seed, 3)]}
        for rows, seed in [(11, 42), (20, 0), (500, 7)]
    ]
    passes = [
        {"rows": rows, "seed": seed, "passes": [short(order) for order in repeat_passes(rows, seed, 3)]}
        for rows, seed in [(11, 42), (20, 0), (500, 7)]
    ]
    versions = {"torch": torch.__version__, "accelerate": accelerate.__version__}
    versions |= {"transformers": transformers.__version__, "trl": trl.__version__}
    orders = {"permutations": permutations(), "trainer": trainer, "sampler": sampler, "repeatSampler": passes}
    write("src/base/torchOrders.json", {**versions, **orders})
    write("src/data/trlBins.json", {"trl": trl.__version__, "cases": bin_cases()})


if __name__ == "__main__":
    main()
