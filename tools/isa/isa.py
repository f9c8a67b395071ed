#!/usr/bin/env python3
"""What WGSL kernels cost on a real GPU's compiler, on a machine without a GPU.

Each file (assembled WGSL, entry point `main`) goes through Tint as in Chrome, then through Mesa's RADV compiler for AMD
chips (RADV's null device compiles without hardware; it cannot run anything). Printed per kernel and chip: registers,
spills, workgroup memory, waves per SIMD, and the instruction mix of the loop that loads and works on a tile.

    isa.py --mesa DIR --dawn DIR [--family navi31 ...] [--json FILE] [--asm FOLDER] KERNEL.wgsl ...

`npm run isa` has fetched both folders below .cache, and leaves the assembled kernels of a run there. README.md in this
folder says how to read the figures.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

from loops import hot_loops

HERE = os.path.dirname(os.path.abspath(__file__))


def kernels_in(text):
    """(name, text) of each part that begins with a kernel's line."""
    return [part.split('\n', 1) for part in re.split(r'^##KERNEL ', text, flags=re.M)[1:]]


def tint(files, mesa, dawn):
    """(name, SPIR-V as text or None, error) of each file."""
    env = dict(os.environ, LORIKEET_DAWN=dawn, LD_LIBRARY_PATH=f'{mesa}/unpacked/usr/lib/x86_64-linux-gnu',
               VK_ICD_FILENAMES=f'{mesa}/lvp.json')
    run = subprocess.run(['node', os.path.join(HERE, 'tint_spirv.mjs'), *map(os.path.abspath, files)], env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if '##KERNEL' not in run.stdout:
        sys.exit(f'Tint gave nothing: {run.stdout[-800:]}')
    out = []
    for name, part in kernels_in(run.stdout):
        found = re.findall(r'/\* Dumped SPIRV disassembly \*/\n(.*?)(?=^info:|\Z)', part, flags=re.S | re.M)
        error = re.search(r'^##ERROR (.*)$', part, flags=re.M)
        out.append((name, found[-1] if found else None, error.group(1) if error else 'no SPIR-V printed'))
    return out


def assemble(text, mesa, path):
    """Writes the SPIR-V to `path`; returns its bindings as (number, storage class)."""
    # Debian 12's assembler is older than this execution mode, which changes nothing in kernels without divergent subgroup use.
    text = '\n'.join(line for line in text.split('\n') if 'aximal' not in line)
    with open(path + '.spvasm', 'w') as file:
        file.write(text)
    env = {key: value for key, value in os.environ.items() if key != 'LD_LIBRARY_PATH'}
    run = subprocess.run([f'{mesa}/unpacked/usr/bin/spirv-as', '--target-env', 'spv1.4', path + '.spvasm', '-o', path],
                         capture_output=True, text=True, env=env)
    if run.returncode:
        raise RuntimeError(run.stderr.strip()[:200])
    bindings = []
    for variable, binding in re.findall(r'OpDecorate (%\S+) Binding (\d+)', text):
        kind = re.search(re.escape(variable) + r' = OpVariable %\S+ (\w+)', text).group(1)
        bindings.append((int(binding), kind))
    return bindings


def row_of(name, family, printed, asm):
    """Figures of one kernel from what RADV printed of it."""
    def number(key):
        found = re.search(rf'^{key}: (\d+)', printed, flags=re.M)
        return int(found.group(1)) if found else None
    assembly = printed.split('disasm:', 1)[-1]
    if asm:
        os.makedirs(os.path.join(asm, family), exist_ok=True)
        with open(os.path.join(asm, family, name + '.s'), 'w') as file:
            file.write(assembly)
    hot, tile = hot_loops(assembly)
    return {'name': name, 'family': family, 'vgprs': number('VGPRs'), 'spilledVgprs': number('Spilled VGPRs'),
            'scratchBytes': number('Scratch size'), 'ldsBytes': number('LDS size'), 'waves': number('Subgroups per SIMD'),
            'codeBytes': number('Code size'), 'latency': number('Latency'), 'inverseThroughput': number('Inverse Throughput'),
            'hotLoop': hot, 'tileLoop': tile}


def compile_all(job, mesa, family, asm):
    """Rows of all kernels of the job for a chip; a kernel of which the driver printed nothing has an error."""
    env = dict(os.environ, LD_LIBRARY_PATH=f'{mesa}/unpacked/usr/lib/x86_64-linux-gnu', VK_ICD_FILENAMES=f'{mesa}/radeon.json',
               RADV_FORCE_FAMILY=family, RADV_DEBUG='shaderstats,asm,nocache')
    run = subprocess.run([sys.executable, os.path.join(HERE, 'radv_worker.py')], input=json.dumps(job), env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    rows = [row_of(name, family, printed, asm) for name, printed in kernels_in(run.stdout)]
    whole = {row['name']: row for row in rows if row['vgprs'] is not None}
    last = run.stdout.strip().split('\n')[-1][:200]
    return [whole.get(item['name'], {'name': item['name'], 'family': family, 'error': f'RADV: {last}'}) for item in job]


def line_of(row):
    if 'error' in row:
        return f'{row["name"]:44} {row.get("family", ""):6} {row["error"]}'
    loop = row['tileLoop'] or row['hotLoop']
    mix = '' if not loop else (f'{loop["instructions"]:15} {loop["fma"]:4} {100 * loop["fma"] / max(1, loop["instructions"]):5.0f} '
                               f'{loop["lds"] / max(1, loop["fmaOperations"]):7.2f} {loop["memory"]:4} {loop["scratch"]:7}')
    return (f'{row["name"][:44]:44} {row["family"]:6} {row["vgprs"]:4} {row["spilledVgprs"]:5} {row["ldsBytes"]:6} {row["waves"]:5} |{mix}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mesa', required=True, help='folder that tools/mesa/fetch_mesa.sh made')
    parser.add_argument('--dawn', required=True, help='folder with node_modules/webgpu')
    parser.add_argument('--family', action='append', help='navi31 (RDNA 3, the default), navi21 (RDNA 2), vega10 ...; may be repeated')
    parser.add_argument('--json')
    parser.add_argument('--asm', help='folder for the assembly of each kernel')
    parser.add_argument('files', nargs='+')
    args = parser.parse_args()
    mesa = os.path.abspath(args.mesa)
    rows, job = [], []
    with tempfile.TemporaryDirectory() as folder:
        for at, (name, text, error) in enumerate(tint(args.files, mesa, os.path.abspath(args.dawn))):
            path = os.path.join(folder, f'{at}.spv')
            try:
                if text is None:
                    raise RuntimeError(error)
                job.append({'name': name, 'spv': path, 'bindings': assemble(text, mesa, path)})
            except RuntimeError as failure:
                rows.append({'name': name, 'error': str(failure)})
        for family in args.family or ['navi31']:
            rows += compile_all(job, mesa, family, args.asm)
    print(f'{"kernel":44} {"chip":6} {"vgpr":>4} {"spill":>5} {"lds B":>6} {"waves":>5} | tile loop: {"instr":>5} {"fma":>4} {"fma %":>5} {"lds/fma":>7} {"mem":>4} {"scratch":>7}')
    for row in rows:
        print(line_of(row))
    if args.json:
        with open(args.json, 'w') as file:
            json.dump(rows, file, indent=1)


if __name__ == '__main__':
    main()
