"""Questions about a scene, with the thought and the answer. One function a kind; each returns None where it cannot ask.

As in scenes.py, the order of the draws from the generator is part of the data set.
"""
from __future__ import annotations

import random

from scenes import COLORS, SHAPES, Item, Scene

NUMBERS = ["zero", "one", "two", "three", "four"]
RELATIONS = {  # name -> coordinate, sign, opposite
    "left of": ("x", -1, "right of"),
    "right of": ("x", +1, "left of"),
    "above": ("y", -1, "below"),
    "below": ("y", +1, "above"),
}
DOUBT = (-4, 10)  # pixels: between these a side is not clear enough to ask for
CLEAR = 14        # pixels: a yes/no question about a side needs at least this distance

Parts = tuple[str, str, str]  # question, thought, answer


def _unique(scene: Scene, attribute: str) -> list[Item]:
    """Items whose shape (or colour) no other item has, so that a name means one thing."""
    values = [getattr(i, attribute) for i in scene.items]
    return [i for i in scene.items if values.count(getattr(i, attribute)) == 1]


def _beyond(scene: Scene, anchor: Item, relation: str) -> list[Item] | None:
    """Items clearly on one side of the anchor; None if some item is in doubt."""
    axis, sign, _ = RELATIONS[relation]
    side = []
    for other in scene.items:
        if other is anchor:
            continue
        d = sign * (getattr(other, axis) - getattr(anchor, axis))
        if DOUBT[0] < d < DOUBT[1]:
            return None
        if d >= DOUBT[1]:
            side.append(other)
    return side


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _color(scene: Scene, rng: random.Random) -> Parts | None:
    pool = _unique(scene, "shape")
    if not pool:
        return None
    item = rng.choice(pool)
    question = rng.choice(["What color is the {}?", "Which color is the {}?"]).format(item.shape)
    return question, f"The {item.shape} is {item.color}.", item.color


def _shape(scene: Scene, rng: random.Random) -> Parts | None:
    pool = _unique(scene, "color")
    if not pool:
        return None
    item = rng.choice(pool)
    question = rng.choice(["What shape is {}?", "Which shape is {}?"]).format(item.color)
    return question, f"The {item.color} shape is a {item.shape}.", item.shape


def _one_beyond(scene: Scene, rng: random.Random) -> tuple[Item, str, Item, str] | None:
    """An anchor, a relation, the only item beyond the anchor, and the sentence that says so."""
    options = []
    for item in _unique(scene, "shape"):
        for relation in RELATIONS:
            side = _beyond(scene, item, relation)
            if side is not None and len(side) == 1:
                options.append((item, relation, side[0]))
    if not options:
        return None
    item, relation, other = rng.choice(options)
    return item, relation, other, f"{_article(other.name).capitalize()} {other.name} is {relation} the {item.shape}."


def _relation(scene: Scene, rng: random.Random) -> Parts | None:
    if (found := _one_beyond(scene, rng)) is None:
        return None
    item, relation, other, thought = found
    return f"What shape is {relation} the {item.shape}?", thought, other.shape


def _what(scene: Scene, rng: random.Random) -> Parts | None:
    if (found := _one_beyond(scene, rng)) is None:
        return None
    item, relation, other, thought = found
    return f"What is {relation} the {item.shape}?", thought, other.name


def _count(scene: Scene, rng: random.Random) -> Parts:
    what = rng.choices(["all", "shape", "color"], [2, 4, 3])[0]
    if what == "all":
        n, noun, nouns = len(scene.items), "shape", "shapes"
    elif what == "shape":  # now and then a shape that is not there: zero
        s = rng.choice([i.shape for i in scene.items] + (SHAPES if rng.random() < 0.4 else []))
        n, noun, nouns = sum(i.shape == s for i in scene.items), s, s + "s"
    else:
        c = rng.choice([i.color for i in scene.items] + (list(COLORS) if rng.random() < 0.4 else []))
        n, noun, nouns = sum(i.color == c for i in scene.items), f"{c} shape", f"{c} shapes"
    return f"How many {nouns} are there?", f"I count {NUMBERS[n]} {noun if n == 1 else nouns}.", NUMBERS[n]


def _pair_noun(scene: Scene, rng: random.Random, yes: bool) -> str:
    """A coloured shape that is there, or is not."""
    have = {(i.color, i.shape) for i in scene.items}
    if yes:
        c, s = rng.choice(sorted(have))
        return f"{c} {s}"
    # adversarial first: both words are in the picture, but not together
    near = [(i.color, o.shape) for i in scene.items for o in scene.items if (i.color, o.shape) not in have]
    if near and rng.random() < 0.6:
        c, s = rng.choice(near)
    else:
        c, s = rng.choice([(c, s) for c in COLORS for s in SHAPES if (c, s) not in have])
    return f"{c} {s}"


def _exist(scene: Scene, rng: random.Random) -> Parts:
    level = rng.choices(["pair", "shape", "color"], [5, 3, 2])[0]
    yes = rng.random() < 0.5
    if level == "pair":
        noun = _pair_noun(scene, rng, yes)
    elif level == "shape":
        noun = rng.choice([s for s in SHAPES if any(i.shape == s for i in scene.items) == yes])
    else:
        noun = f"{rng.choice([c for c in COLORS if any(i.color == c for i in scene.items) == yes])} shape"
    question = f"Is there {_article(noun)} {noun}?"
    return (question, f"I see {_article(noun)} {noun}.", "yes") if yes else (question, f"I see no {noun}.", "no")


def _relation_yn(scene: Scene, rng: random.Random) -> Parts | None:
    pool = _unique(scene, "shape")
    pairs = [(i, o) for i in pool for o in pool if i is not o]
    rng.shuffle(pairs)
    for item, other in pairs:
        relation = rng.choice(list(RELATIONS))
        axis, sign, opposite = RELATIONS[relation]
        d = sign * (getattr(item, axis) - getattr(other, axis))
        if abs(d) >= CLEAR:
            thought = f"The {item.shape} is {relation if d > 0 else opposite} the {other.shape}."
            return f"Is the {item.shape} {relation} the {other.shape}?", thought, "yes" if d > 0 else "no"
    return None


def _bigger(scene: Scene, rng: random.Random) -> Parts | None:
    pool = _unique(scene, "shape")
    pairs = [(i, o) for i in pool for o in pool if i.big and not o.big]
    if not pairs:
        return None
    big, small = rng.choice(pairs)
    one, two = (big, small) if rng.random() < 0.5 else (small, big)
    return f"Which is bigger, the {one.shape} or the {two.shape}?", f"The {big.shape} is bigger.", big.shape


def _absent(scene: Scene, rng: random.Random) -> Parts:
    missing = rng.choice([s for s in SHAPES if all(i.shape != s for i in scene.items)])
    question = rng.choice(["What color is the {}?", "Which color is the {}?"]).format(missing)
    return question, f"There is no {missing}.", "none"


def _place(scene: Scene, item: Item) -> str:
    vertical = "top" if item.y < scene.height / 2 else "bottom"
    return f"{vertical} {'left' if item.x < scene.width / 2 else 'right'}"


def _describe(scene: Scene, _rng: random.Random) -> Parts:
    """Used in pretraining only: names everything, left to right."""
    order = sorted(scene.items, key=lambda i: i.x)
    names = [f"{'big' if i.big else 'small'} {i.name} {_place(scene, i)}" for i in order]
    return "What do you see?", "", ", ".join(names)


KINDS = {  # kind -> share in the data, how to ask
    "color": (18, _color), "shape": (12, _shape), "relation": (14, _relation), "what": (8, _what),
    "count": (12, _count), "exist": (18, _exist), "relation_yn": (10, _relation_yn), "bigger": (12, _bigger),
    "absent": (3, _absent),
}


def ask(scene: Scene, kind: str, rng: random.Random) -> dict | None:
    """One question of a kind (of KINDS, or "describe") about the scene, or None if the scene allows none."""
    parts = (_describe if kind == "describe" else KINDS[kind][1])(scene, rng)
    if parts is None:
        return None
    return {"question": parts[0], "thought": parts[1], "answer": parts[2], "kind": kind}


def ask_any(scene: Scene, rng: random.Random, seen: set[str] = frozenset()) -> dict:
    """A question of a random kind that is not in `seen`."""
    shares = [share for share, _ in KINDS.values()]
    while True:
        row = ask(scene, rng.choices(list(KINDS), shares)[0], rng)
        if row is not None and row["question"] not in seen:
            return row
