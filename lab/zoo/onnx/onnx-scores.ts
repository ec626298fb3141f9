/**
 * What a network's output means, and the nodes (and, to check those, the TypeScript) that make K probabilities of it.
 *
 * A softmax is added to logits alone: what ends in one, or is said to hold probabilities, is at most normalised, as
 * quantised probabilities need.
 */
import { softmax } from '../../../mux/rules/probabilities.js';
import { floats, integers, node, OURS, zeroPoint } from './onnx-build.js';
import { unusable, type Asking } from './onnx-check.js';
import { FLOAT, FLOAT16, INT8, type OnnxGraph, type OnnxNode } from './onnx-types.js';

export const OUTPUTS = ['logits', 'probabilities', 'one-vs-rest'] as const;
export type OutputIs = (typeof OUTPUTS)[number];

/** How scores become probabilities: `binary-…` from one score, of the second class. */
export type Reading = 'softmax' | 'none' | 'normalise' | 'binary-logit' | 'binary-probability';

export interface Scores {
  output: string;
  /** TensorProto.DataType of `output`. */
  type: number;
  /** Scores that the network gives. */
  own: number;
  /** For each class of the zoo, which of them; null: as they come. */
  pick: readonly number[] | null;
  /** Number of classes K. */
  classes: number;
}

/** The operator that scores come from, behind those that only pass them on. */
export interface Origin {
  opType: string;
  /** True where scores were rounded to a step on the way. */
  coarse: boolean;
}

const PASSING = new Set([
  ...['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast', 'Clip', 'Dropout'],
  ...['QuantizeLinear', 'DequantizeLinear'],
]);
const OPERATORS: Record<string, string> = {
  QLinearSoftmax: 'Softmax',
  QLinearSigmoid: 'Sigmoid',
  HardSigmoid: 'Sigmoid',
};

export function originOf(graph: OnnxGraph, output: string): Origin {
  const makers = makersOf(graph);
  let coarse = false;
  for (let name = output; ;) {
    const maker = makers.get(name);
    makers.delete(name); // a damaged graph may run in a circle
    const opType = maker?.opType ?? '';
    coarse ||= opType.startsWith('Q') || opType === 'DequantizeLinear';
    if (!PASSING.has(opType)) return { opType: OPERATORS[opType] ?? opType, coarse };
    name = maker?.input?.[0] ?? '';
  }
}

function makersOf(graph: OnnxGraph): Map<string, OnnxNode> {
  return new Map((graph.node ?? []).flatMap((one) => (one.output ?? []).map((name) => [name, one] as const)));
}

/** Where the step and zero point of an operator's integer output stand among its inputs. */
const STEP_INPUT: Record<string, number> = {
  QuantizeLinear: 1,
  QLinearSoftmax: 3,
  QLinearSigmoid: 3,
  QLinearMatMul: 6,
  QLinearConv: 6,
  QLinearAdd: 6,
  QLinearMul: 6,
  QGemm: 7,
};

/**
 * Nodes from a network's output to float32 [N, own]. Integers without a known step keep their order and, as
 * probabilities, their proportions: that is said by `stepKnown`.
 */
export function scoreNodes(graph: OnnxGraph, { output, type }: Scores, flat: string): OnnxNode[] {
  const raw = `${OURS}scores`;
  if (type === FLOAT) return [node('Flatten', [output], flat, { axis: 1 })];
  const last = node('Flatten', [raw], flat, { axis: 1 });
  if (type === FLOAT16) return [node('Cast', [output], raw, { to: FLOAT }), last];
  const [step, zero] = stepOf(graph, output) ?? [`${OURS}score-step`, `${OURS}score-zero`];
  return [
    floats(`${OURS}score-step`, [], [1 / 256]),
    zeroPoint(`${OURS}score-zero`, type, type === INT8 ? -128 : 0),
    node('DequantizeLinear', [output, step, zero], raw),
    last,
  ];
}

/** Names of the constants that say what one step of an integer output is worth. */
function stepOf(graph: OnnxGraph, output: string): [string, string] | null {
  const maker = makersOf(graph).get(output);
  const at = STEP_INPUT[maker?.opType ?? ''];
  const [step = '', zero = ''] = at === undefined ? [] : (maker?.input?.slice(at, at + 2) ?? []);
  return step !== '' && zero !== '' ? [step, zero] : null;
}

/** Can integers of an output be read as logits? As probabilities they always can: those are normalised. */
export function stepKnown(graph: OnnxGraph, { output, type }: Scores): boolean {
  return type === FLOAT || type === FLOAT16 || stepOf(graph, output) !== null;
}

/** Nodes from [N, own] scores to `probabilities` [N, K]. */
export function probabilityNodes({ pick, classes }: Scores, reading: Reading, flat: string): OnnxNode[] {
  const picked = pick === null ? flat : `${OURS}picked`;
  const nodes =
    pick === null
      ? []
      : [integers(`${OURS}pick`, pick), node('Gather', [flat, `${OURS}pick`], picked, { axis: 1 })];
  return [...nodes, ...readingNodes(reading, picked, classes)];
}

function readingNodes(reading: Reading, scores: string, classes: number): OnnxNode[] {
  if (reading === 'softmax') return [node('Softmax', [scores], 'probabilities', { axis: 1 })];
  if (reading === 'none') return [node('Identity', [scores], 'probabilities')];
  if (reading === 'normalise') return normaliseNodes(scores, classes);
  const second = reading === 'binary-logit' ? `${OURS}second` : scores;
  return [
    ...(reading === 'binary-logit' ? [node('Sigmoid', [scores], second)] : []),
    floats(`${OURS}one`, [], [1]),
    node('Sub', [`${OURS}one`, second], `${OURS}first`),
    node('Concat', [`${OURS}first`, second], 'probabilities', { axis: 1 }),
  ];
}

/** Keeps a row of zeros from dividing by zero. */
const LEAST_SUM = 1e-9;

/** Tensor of our own product. */
export const SUM = `${OURS}normalise/sum`;

/** p_k / Σ p, with what rounding made negative taken for 0. */
function normaliseNodes(scores: string, classes: number): OnnxNode[] {
  const name = (part: string): string => `${OURS}normalise/${part}`;
  return [
    node('Relu', [scores], name('positive')),
    floats(name('ones'), [classes, 1], new Float32Array(classes).fill(1)),
    floats(name('least'), [], [LEAST_SUM]),
    node('MatMul', [name('positive'), name('ones')], SUM),
    node('Add', [SUM, name('least')], name('divisor')),
    node('Div', [name('positive'), name('divisor')], 'probabilities'),
  ];
}

/** The same in TypeScript. @param raw the network's own scores of one image */
export function probabilitiesOf({ pick }: Scores, reading: Reading, raw: Float32Array): Float32Array {
  const scores = pick === null ? raw : Float32Array.from(pick, (at) => raw[at] ?? NaN);
  if (reading === 'softmax') return softmax(scores);
  if (reading === 'none') return scores;
  if (reading === 'normalise') {
    const sum = scores.reduce((all, value) => all + Math.max(0, value), LEAST_SUM);
    return scores.map((value) => Math.max(0, value) / sum);
  }
  const [score = NaN] = scores;
  const second = reading === 'binary-logit' ? 1 / (1 + Math.exp(-score)) : score;
  return Float32Array.of(1 - second, second);
}

/** What a run says of the scores of one image. */
interface Seen {
  /** Not negative, and sum to 1 but for float32. */
  shares: boolean;
  /** The same but for the steps of quantisation. */
  near: boolean;
  /** Each in 0 to 1. */
  unit: boolean;
  /** Could be probabilities at all. */
  possible: boolean;
}

function seen(raw: Float32Array): Seen {
  const sum = raw.reduce((all, value) => all + value, 0);
  const [least, most] = [Math.min(...raw), Math.max(...raw)];
  return {
    shares: Math.abs(sum - 1) < 1e-3 && least > -1e-6,
    near: Math.abs(sum - 1) < 0.05 && least > -1e-3,
    unit: least >= 0 && most <= 1,
    possible: sum > 0.5 && sum < 1.5 && least > -0.05,
  };
}

/**
 * How the scores become probabilities, from what the user said, what the graph ends in and what runs gave.
 *
 * @param runs the network's own scores of several images
 * @throws EdgemuxError MODEL_UNUSABLE where these contradict each other, or one class a picture is not what it says
 */
export function readingOf(
  { path, id }: Pick<Asking, 'path' | 'id'>,
  scores: Scores,
  said: OutputIs | null,
  origin: Origin,
  runs: readonly Float32Array[],
): Reading {
  const all = runs.map(seen);
  const every = (key: keyof Seen): boolean => all.every((one) => one[key]);
  if (scores.own === 1) return binaryReading(path, id, said, origin, every('unit'));
  const sums = runs.map((raw) => raw.reduce((sum, value) => sum + value, 0).toPrecision(4)).join(' and ');
  if (said === 'one-vs-rest') {
    if (every('unit')) return 'normalise';
    throw unusable(path, '--output-is one-vs-rest, but its scores are not all in 0 to 1');
  }
  const soft = origin.opType === 'Softmax';
  if (said === 'logits' && (soft || every('shares'))) {
    const why = soft ? 'it ends in a softmax' : 'its scores are not negative and sum to 1';
    throw unusable(path, `--output-is logits, but ${why}: they are probabilities`);
  }
  if (origin.opType === 'Sigmoid' || (said === null && every('unit') && !every('near') && !soft))
    throw unusable(path, severalClasses(id, origin, sums));
  if (said === 'probabilities' && !every('possible'))
    throw unusable(path, `--output-is probabilities, but its scores sum to ${sums}: they are logits`);
  if (said === 'logits' || !(said === 'probabilities' || soft || every('near'))) return 'softmax';
  return every('shares') && !origin.coarse && scores.pick === null ? 'none' : 'normalise';
}

function severalClasses(id: string, { opType }: Origin, sums: string): string {
  const seenAs =
    opType === 'Sigmoid'
      ? 'it ends in a sigmoid for each class'
      : `its scores are all in 0 to 1 and sum to ${sums}`;
  return (
    `${seenAs}: it may see several classes in one picture, and a cascade needs one. Where one class a picture is right, ` +
    `pass --output-is ${id}=one-vs-rest${opType === 'Sigmoid' ? '' : ' (or =logits, where that is what they are)'}`
  );
}

function binaryReading(
  path: string,
  id: string,
  said: OutputIs | null,
  { opType }: Origin,
  unit: boolean,
): Reading {
  if (said === 'one-vs-rest') throw unusable(path, '--output-is one-vs-rest, but it gives one score');
  if (said === 'probabilities' && !unit)
    throw unusable(path, '--output-is probabilities, but its score is outside 0 to 1: it is a logit');
  if (said === 'logits' && opType === 'Sigmoid')
    throw unusable(path, '--output-is logits, but it ends in a sigmoid: its score is a probability');
  if (said === null && unit && opType !== 'Sigmoid')
    throw unusable(
      path,
      `it gives one score: say what it is, --output-is ${id}=probabilities or ${id}=logits`,
    );
  return said === 'probabilities' || opType === 'Sigmoid' ? 'binary-probability' : 'binary-logit';
}
