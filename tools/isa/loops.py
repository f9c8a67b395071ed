"""The loops of an AMD kernel's assembly, and what their instructions do."""
import re

FMA = re.compile(r'v_(?:fma|fmac|fmaak|fmamk|mad|mac)_\w+|v_dual_fma\w*|v_pk_fma\w*|v_dot\w+|v_wmma\w+')
INSTRUCTION = re.compile(r'^\s+((?:v|s|ds|buffer|global|scratch|flat|exp|image)_\w+)(.*?)(?:;.*)?$')


def instructions_and_loops(assembly):
    """(operation, operands) of every instruction, and (first, last) of every loop: a jump back to a label."""
    lines, labels = [], {}
    for line in assembly.split('\n'):
        label = re.match(r'^(BB\d+):', line)
        if label:
            labels[label.group(1)] = len(lines)
            continue
        text = INSTRUCTION.match(line)
        if text:
            lines.append((text.group(1), text.group(2)))
    loops = []
    for at, (op, rest) in enumerate(lines):
        target = re.search(r'BB\d+', rest) if op.startswith(('s_branch', 's_cbranch')) else None
        if target and labels.get(target.group(0), 1 << 30) <= at:
            loops.append((labels[target.group(0)], at))
    return lines, loops


def mix_of(body):
    """Counts of instructions; a dual instruction counts once in `fma`, twice in `fmaOperations`."""
    return {
        'instructions': len(body),
        'fma': sum(bool(FMA.search(op + rest)) for op, rest in body),
        'fmaOperations': sum(len(FMA.findall(op + rest)) for op, rest in body),
        'valu': sum(op.startswith('v_') and not op.startswith('v_nop') for op, _ in body),
        'lds': sum(op.startswith('ds_') for op, _ in body),
        'memory': sum(op.startswith(('buffer_', 'global_', 'flat_')) for op, _ in body),
        'scratch': sum(op.startswith('scratch_') for op, _ in body),
        'barriers': sum(op == 's_barrier' for op, _ in body),
    }


def hot_loops(assembly):
    """Mixes of the innermost loop with the most FMAs, and of the loop that loads its tile (the same one when unrolled)."""
    lines, loops = instructions_and_loops(assembly)
    inner, hot = None, None
    for start, end in loops:
        if any(start <= s and e < end for s, e in loops if (s, e) != (start, end)):
            continue
        mix = mix_of(lines[start:end + 1])
        if hot is None or mix['fma'] > hot['fma']:
            inner, hot = (start, end), mix
    if hot is None:
        return None, None
    # The smallest loop around (or equal to) it that reads memory.
    around = sorted((e - s, s, e) for s, e in loops if s <= inner[0] and inner[1] <= e)
    mixes = (mix_of(lines[s:e + 1]) for _, s, e in around)
    return hot, next((mix for mix in mixes if mix['memory']), None)
