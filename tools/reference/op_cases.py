"""Write src/ops/cpuReference/torchCases.json: PyTorch's float64 results of every op, small and odd shapes.

    pip install torch==2.13.0
    python tools/reference/op_cases.py [--out FILE]
    npx prettier --write src/ops/cpuReference/torchCases.json

Each case holds inputs, outputs and gradients as flat row-major lists; the gradients are those of
sum(output * upstream). The float64 references in src/ops/cpuReference are tested against it, so that forward formulas
too are checked by another implementation. Numbers are printed in full and depend on the seed below only.
"""
import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

SEED = 20261124


def flat(tensor):
    """Row-major list of a tensor."""
    return tensor.detach().reshape(-1).tolist()


def leaf(*shape):
    """A random leaf that wants a gradient."""
    return torch.randn(shape, dtype=torch.float64).requires_grad_()


def case(inputs, output, **extra):
    """Record inputs, output and the gradients of all inputs that want one, for a random upstream gradient."""
    upstream = torch.randn_like(output)
    (output * upstream).sum().backward()
    record = {name: flat(tensor) for name, tensor in inputs.items()}
    record |= {f"d_{name}": flat(t.grad) for name, t in inputs.items() if t.grad is not None}
    return record | {"output": flat(output), "upstream": flat(upstream)} | extra


def linear():
    x, weight, bias = leaf(3, 5), leaf(4, 5), leaf(4)
    return case({"x": x, "weight": weight, "bias": bias}, F.linear(x, weight, bias), rows=3, inWidth=5, outWidth=4)


def rms_norm():
    x, weight = leaf(3, 7), leaf(7)
    return case({"x": x, "weight": weight}, F.rms_norm(x, (7,), weight, eps=1e-6), rows=3, width=7, eps=1e-6)


def rope():
    """cos and sin are free tables: the formula must hold for any."""
    x, cos, sin = leaf(3, 2, 6), torch.randn(3, 6, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    rotated = torch.cat([-x[..., 3:], x[..., :3]], -1)
    output = x * cos[:, None] + rotated * sin[:, None]
    return case({"x": x, "cos": cos, "sin": sin}, output, rows=3, heads=2, headSize=6)


def attention():
    """A prompt of 3 keys and two completions of 2 that both see it, with grouped heads."""
    ranges = [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3], [0, 3, 3, 4], [0, 3, 3, 5], [0, 3, 5, 6], [0, 3, 5, 7]]
    mask = torch.zeros(7, 7, dtype=torch.bool)
    for row, (a, b, c, d) in enumerate(ranges):
        mask[row, a:b] = True
        mask[row, c:d] = True
    q, k, v = leaf(7, 4, 3), leaf(7, 2, 3), leaf(7, 2, 3)
    output = F.scaled_dot_product_attention(
        q.transpose(0, 1)[None], k.transpose(0, 1)[None], v.transpose(0, 1)[None], attn_mask=mask, enable_gqa=True
    )[0].transpose(0, 1)
    shape = {"queries": 7, "keys": 7, "heads": 4, "kvHeads": 2, "headSize": 3}
    return case({"q": q, "k": k, "v": v}, output, ranges=sum(ranges, []), **shape)


def swiglu():
    gate, up = leaf(9), leaf(9)
    return case({"gate": gate, "up": up}, F.silu(gate) * up)


def gelu():
    x = (torch.randn(41, dtype=torch.float64) * 4).requires_grad_()
    return case({"x": x}, F.gelu(x))


def lora():
    x, a, b = leaf(4, 5), leaf(3, 5), leaf(6, 3)
    mask = (torch.rand(4, 5) > 0.3).double() / 0.7
    output = 2.0 * F.linear(F.linear(x * mask, a), b)
    shape = {"rows": 4, "inWidth": 5, "rank": 3, "outWidth": 6}
    return case({"x": x, "a": a, "b": b, "mask": mask}, output, scale=2.0, **shape)


def head():
    """Gradient of sum(c logp + e H) with three labels, two of them in one row."""
    logits = leaf(3, 11)
    rows, targets, temperature = [0, 2, 2], [4, 0, 10], 0.9
    logp = F.log_softmax(logits / temperature, -1)[rows]
    chosen = logp[range(3), targets]
    entropy = -(logp.exp() * logp).sum(-1)
    c, e = torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    ((c * chosen).sum() + (e * entropy).sum()).backward()
    lse = torch.logsumexp(logits / temperature, -1)[rows]
    return {
        "logits": flat(logits), "vocab": 11, "rows": rows, "targets": targets, "temperature": temperature,
        "c": flat(c), "e": flat(e), "logp": flat(chosen), "entropy": flat(entropy), "lse": flat(lse),
        "d_logits": flat(logits.grad),
    }


def adamw():
    """Five steps with decay; every gradient is clipped to norm 1 first."""
    parameter = leaf(6)
    options = {"learningRate": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": 0.1}
    optimizer = torch.optim.AdamW([parameter], lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    record = {"start": flat(parameter), "options": options, "maxNorm": 1.0, "steps": []}
    for step in range(5):
        raw = torch.randn(6, dtype=torch.float64) * (0.1 if step == 2 else 2)
        parameter.grad = raw.clone()
        norm = float(torch.nn.utils.clip_grad_norm_([parameter], 1.0))
        clipped = flat(parameter.grad)
        optimizer.step()
        state = optimizer.state[parameter]
        record["steps"].append({
            "gradient": flat(raw), "norm": norm, "clipped": clipped, "parameter": flat(parameter),
            "m": flat(state["exp_avg"]), "v": flat(state["exp_avg_sq"]),
        })
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("src/ops/cpuReference/torchCases.json"))
    args = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    makers = [linear, rms_norm, rope, attention, swiglu, gelu, lora, head, adamw]
    document = {"madeBy": "tools/reference/op_cases.py", "torch": torch.__version__}
    document |= {maker.__name__: maker() for maker in makers}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    args.out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
