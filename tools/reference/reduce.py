"""Make the small copy of the numeric reference that the project carries and tests itself with.

    python tools/reference/reduce.py FULL_FOLDER [--out e2e/reference]

FULL_FOLDER is a folder of reference format 1 (manifest.json, then one folder a case). Needs Python 3.10 and nothing
else. Numbers are never changed: tensors are copied byte for byte, or left out together with the case that names them.
Everything that is not listed here in KEEP is left out, so the copy verifies by the same rules as the whole folder.

What is kept, and why:

- model/d32 (float32, grouped heads, ragged windows): whole. It is the base of the two adapter cases below.
- lora/all (all seven linears): whole, with both trajectories.
- grpo/qv: everything but most loss cases; GRPO_LOSSES says which stay. Each stays with its gradients.
- rewards: whole.
- image: all cases but those of IMAGE_DROPPED (large files whose rule another case covers). Arrays that were stored
  whole and are larger than STRIDE_ABOVE_BYTES are stored with the document's `sample_stride` instead; their sha256 is
  that of the whole array, so bytes are still compared exactly. `decoded_rgb` stays whole: it is an input.
- nf4: everything but the matrices of NF4_DROPPED (large ones whose rule another matrix covers).
- Left out: tokenizer (the vocabulary of a published model; the demo's own tokenizer is tested instead), model/d16,
  model/bf16, lora/qv. Check those with `npm run verify -- FULL_FOLDER`.
"""
import argparse
import json
import shutil
import struct
from pathlib import Path

KEEP = ["grpo/qv", "image", "lora/all", "model/d32", "nf4", "rewards"]

GRPO_LOSSES = [
    # Every loss type off policy with a reference, unless an option below brings it in.
    "cispo_beta0.04_mu2", "sapo_beta0.04_mu2", "luspo_beta0.04_mu2", "vespo_beta0.04_mu2",
    # The recipe's loss, and old = policy.
    "bnpo_plain_kl_mu2", "grpo_plain_kl_mu1",
    # Options that change the mask, the level of the ratio or the temperature, or add to the loss.
    "bnpo_masktrunc", "grpo_sequence_beta0.04", "grpo_temperature0.9", "dapo_top_entropy", "dapo_entropy_bonus",
    # Two micro-batches: one divisor by rows, one that spans the generation batch.
    "dr_grpo_accumulate2", "dapo_accumulate2",
]
GRPO_TRAJECTORIES_DROPPED = ["trajectory_trl_default_mu2.json", "trajectory_trl_default_mu2.safetensors"]

IMAGE_DROPPED = ["above_max_pixels", "over_512", "tall_over_512", "thin_tall", "tall_limit_200", "wide_199", "odd_wide"]
STRIDE_ABOVE_BYTES = 8000

NF4_DROPPED = ["several_nested_blocks", "row_not_multiple"]


def read_safetensors(path):
    """Header entries in file order as {name: (dtype, shape, bytes)}, and the metadata (None if there is none)."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], data[8 + size + start : 8 + size + end])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    """Write {name: (dtype, shape, bytes)} in the given order; the header is padded to 8 bytes."""
    header = {} if metadata is None else {"__metadata__": metadata}
    offset = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, value):
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")


def copy_files(source, target, files):
    """Copy contents only: modes of a read-only source are not taken over."""
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)


def stride_array(tensors, described, stride):
    """Store a large whole array strided, in place: the tensor and its description. Others stay as they are."""
    dtype, _, data = tensors[described["tensor"]]
    if described["stored"] != "full" or len(data) <= STRIDE_ABOVE_BYTES:
        return
    width = {"F32": 4, "U8": 1}[dtype]
    values = [data[i : i + width] for i in range(0, len(data), stride * width)]
    tensors[described["tensor"]] = (dtype, [len(values)], b"".join(values))
    described["stored"] = f"flat[::{stride}]"


def described_arrays(case):
    """All descriptions {tensor, shape, dtype, stored, sha256} inside one image case."""
    parts = [case, case.get("pre_resize") or {}, *case["runs"]]
    return [value for part in parts for value in part.values() if isinstance(value, dict) and "tensor" in value]


def reduce_image(source, target, entry):
    """Drop the cases of IMAGE_DROPPED with their files and arrays, and stride the pixel values of the rest."""
    document = read_json(source / "image.json")
    tensors, metadata = read_safetensors(source / "image.safetensors")
    document["cases"] = [case for case in document["cases"] if case["name"] not in IMAGE_DROPPED]
    kept = {}
    for case in document["cases"]:
        for described in described_arrays(case):
            if described is not case.get("decoded_rgb"):
                stride_array(tensors, described, document["sample_stride"])
            kept[described["tensor"]] = tensors[described["tensor"]]
    names = {case["file"] for case in document["cases"]}
    entry["files"] = [f for f in entry["files"] if f in names or f.startswith("image.")]
    copy_files(source, target, sorted(names))
    write_json(target / "image.json", document)
    write_safetensors(target / "image.safetensors", {k: kept[k] for k in tensors if k in kept}, metadata)


def reduce_grpo(source, target, entry):
    """Keep the loss cases of GRPO_LOSSES with their gradients; drop one of the two trajectories."""
    document = read_json(source / "loss.json")
    tensors, metadata = read_safetensors(source / "loss.safetensors")
    dropped = {case["id"] for case in document["cases"]} - set(GRPO_LOSSES)
    document["cases"] = [case for case in document["cases"] if case["id"] not in dropped]
    gone = lambda name: ".d." in name and name.split(".d.")[0] in dropped
    if isinstance(document.get("tolerance"), dict):
        document["tolerance"] = {k: v for k, v in document["tolerance"].items() if not gone(k)}
    entry["files"] = [f for f in entry["files"] if f not in GRPO_TRAJECTORIES_DROPPED]
    copy_files(source, target, [f for f in entry["files"] if not f.startswith("loss.")])
    write_json(target / "loss.json", document)
    write_safetensors(target / "loss.safetensors", {k: v for k, v in tensors.items() if not gone(k)}, metadata)


def reduce_nf4(source, target, entry):
    """Drop the matrices of NF4_DROPPED; the model stays whole."""
    document = read_json(source / "nf4.json")
    tensors, metadata = read_safetensors(source / "matrices.safetensors")
    document["matrices"] = [matrix for matrix in document["matrices"] if matrix["name"] not in NF4_DROPPED]
    copy_files(source, target, ["model.safetensors"])
    write_json(target / "nf4.json", document)
    kept = {k: v for k, v in tensors.items() if k.rsplit(".", 1)[0] not in NF4_DROPPED}
    write_safetensors(target / "matrices.safetensors", kept, metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a whole reference folder (it holds manifest.json)")
    parser.add_argument("--out", type=Path, default=Path("e2e/reference"), help="folder to write, replaced if present")
    args = parser.parse_args()
    manifest = read_json(args.source / "manifest.json")
    if (args.out / "manifest.json").exists():
        shutil.rmtree(args.out)
    special = {"image": reduce_image, "grpo/qv": reduce_grpo, "nf4": reduce_nf4}
    manifest["cases"] = [entry for entry in manifest["cases"] if entry["id"] in KEEP]
    for entry in manifest["cases"]:
        source, target = args.source / entry["path"], args.out / entry["path"]
        target.mkdir(parents=True, exist_ok=True)
        if entry["id"] in special:
            special[entry["id"]](source, target, entry)
        else:
            copy_files(source, target, entry["files"])
    (args.out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    total = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file())
    print(f"{args.out}: {total:,} bytes")


if __name__ == "__main__":
    main()
