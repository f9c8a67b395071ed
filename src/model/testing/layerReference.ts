// Float64 reference of a whole decoder layer with LoRA on all its linears, forward and backward. For tests only.
// Written from the equations, out of the references of its operations; tests hold the block's hand-written order to it.

import { linear, linearBackwardInput } from '../../ops/cpuReference/linear';
import { loraBackward, loraForward, type LoraGradients } from '../../ops/cpuReference/lora';
import { rangeAttention, rangeAttentionBackward } from '../../ops/cpuReference/rangeAttention';
import { rmsNorm, rmsNormBackward } from '../../ops/cpuReference/rmsNorm';
import { rope, ropeBackward } from '../../ops/cpuReference/rope';
import { swiglu, swigluBackward } from '../../ops/cpuReference/swiglu';
import type { ModelConfig } from '../config';

/** A weight's values by its name within the layer, e.g. `self_attn.q_proj.weight`. */
export type WeightOf = (name: string) => Float32Array;

/** PEFT's factors of a module: A (r, in), B (out, r). */
export interface Factors {
  A: ArrayLike<number>;
  B: ArrayLike<number>;
}

export interface LayerScene {
  config: ModelConfig;
  weight: WeightOf;
  /** By module, e.g. `q_proj`. */
  factors: Record<string, Factors>;
  rank: number;
  /** alpha / r */
  scale: number;
  /** (T, C) */
  x: ArrayLike<number>;
  /** (T, C): gradient of the output. */
  dy: ArrayLike<number>;
  tokens: number;
  /** (T, 4) */
  ranges: ArrayLike<number>;
  /** (T, D): cosines and sines of each token, both halves. */
  cos: ArrayLike<number>;
  sin: ArrayLike<number>;
}

export interface LayerResult {
  y: Float64Array;
  dx: Float64Array;
  /** By module. */
  gradients: Record<string, Pick<LoraGradients, 'dA' | 'dB'>>;
}

const sum = (...parts: ArrayLike<number>[]): Float64Array =>
  Float64Array.from(parts[0]!, (_, i) => parts.reduce((total, part) => total + part[i]!, 0));

/** One adapted linear: what forward computes, and backward from its result. */
interface Adapted {
  y: Float64Array;
  /** Gradient at the input; keeps those of the factors. */
  backward(dy: ArrayLike<number>): Float64Array;
}

/** Adapted linears of a scene, whose factors' gradients gather in `gradients`. */
function adaptedLinears(scene: LayerScene, gradients: LayerResult['gradients']) {
  const { weight, factors, rank, scale, tokens: rows } = scene;
  return (path: string, x: ArrayLike<number>, inWidth: number, outWidth: number, hasBias = false): Adapted => {
    const module = path.split('.').at(-1)!;
    const shape = { rows, inWidth, outWidth };
    const w = weight(`${path}.weight`);
    const { A, B } = factors[module]!;
    const branch = loraForward(x, A, B, { ...shape, rank }, scale);
    const base = linear(x, w, hasBias ? weight(`${path}.bias`) : null, shape);
    return {
      y: sum(base, branch.y),
      backward(dy) {
        const { dA, dB, dx } = loraBackward(dy, x, A, B, branch.down, { ...shape, rank }, scale);
        gradients[module] = { dA, dB };
        return sum(linearBackwardInput(dy, w, shape), dx);
      },
    };
  };
}

/** Self-attention with its projections and rotary positions. @param n (T, C), normed */
function selfAttention(scene: LayerScene, linears: ReturnType<typeof adaptedLinears>, n: ArrayLike<number>): Adapted {
  const { config, tokens: rows, ranges, cos, sin } = scene;
  const { hiddenSize, heads, kvHeads, headSize } = config;
  const [qWidth, kvWidth] = [heads * headSize, kvHeads * headSize];
  const q = linears('self_attn.q_proj', n, hiddenSize, qWidth, true);
  const k = linears('self_attn.k_proj', n, hiddenSize, kvWidth, true);
  const v = linears('self_attn.v_proj', n, hiddenSize, kvWidth, true);
  const turnedQ = rope(q.y, cos, sin, { rows, heads, headSize });
  const turnedK = rope(k.y, cos, sin, { rows, heads: kvHeads, headSize });
  const shape = { queries: rows, keys: rows, heads, kvHeads, headSize };
  const attended = rangeAttention(turnedQ, turnedK, v.y, ranges, shape);
  const o = linears('self_attn.o_proj', attended.o, qWidth, hiddenSize);
  return {
    y: o.y,
    backward(dy) {
      const dO = o.backward(dy);
      const { dq, dk, dv } = rangeAttentionBackward(dO, turnedQ, turnedK, v.y, attended, ranges, shape);
      const dQ = q.backward(ropeBackward(dq, cos, sin, { rows, heads, headSize }));
      const dK = k.backward(ropeBackward(dk, cos, sin, { rows, heads: kvHeads, headSize }));
      return sum(dQ, dK, v.backward(dv));
    },
  };
}

function mlp({ config }: LayerScene, linears: ReturnType<typeof adaptedLinears>, n: ArrayLike<number>): Adapted {
  const { hiddenSize, intermediateSize } = config;
  const gate = linears('mlp.gate_proj', n, hiddenSize, intermediateSize);
  const up = linears('mlp.up_proj', n, hiddenSize, intermediateSize);
  const down = linears('mlp.down_proj', swiglu(gate.y, up.y), intermediateSize, hiddenSize);
  return {
    y: down.y,
    backward(dy) {
      const { dGate, dUp } = swigluBackward(down.backward(dy), gate.y, up.y);
      return sum(gate.backward(dGate), up.backward(dUp));
    },
  };
}

/** x + part(norm(x)), and its gradient. */
function residual(scene: LayerScene, x: ArrayLike<number>, norm: string, part: (n: Float64Array) => Adapted): Adapted {
  const shape = { rows: scene.tokens, width: scene.config.hiddenSize };
  const weight = scene.weight(`${norm}.weight`);
  const normed = rmsNorm(x, weight, shape, scene.config.rmsNormEps);
  const inner = part(normed.y);
  return {
    y: sum(x, inner.y),
    backward: (dy) => sum(dy, rmsNormBackward(inner.backward(dy), x, weight, normed.rstd, shape)),
  };
}

/** The layer's output, the gradient at its input and at every factor. */
export function layerReference(scene: LayerScene): LayerResult {
  const gradients: LayerResult['gradients'] = {};
  const linears = adaptedLinears(scene, gradients);
  const first = residual(scene, scene.x, 'input_layernorm', (n) => selfAttention(scene, linears, n));
  const second = residual(scene, first.y, 'post_attention_layernorm', (n) => mlp(scene, linears, n));
  return { y: second.y, dx: first.backward(second.backward(scene.dy)), gradients };
}
