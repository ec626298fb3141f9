/** Is a model one that a zoo can take in? Versions, input and output, each refusal with its remedy. */
import { EdgemuxError } from '../../../common/errors.js';
import { READS } from '../../../mux/zoo/needs.js';
import type { ReadModel } from './onnx-file.js';
import { lower, type Lowered } from './onnx-lower.js';
import { LAYOUTS, type Colour, type Layout, type Preprocessing } from './onnx-pixels.js';
import {
  FLOAT,
  FLOAT16,
  INT8,
  tensorsOf,
  toNumber,
  typeName,
  UINT8,
  type OnnxValueInfo,
} from './onnx-types.js';

interface Limits {
  opset: number;
  ir: number;
  /** Versions of the other operator sets that it has. */
  domains: Record<string, number>;
  /** First data type that it does not know. */
  newType: number;
  runtime: string;
}

/**
 * What a file is made for: a Jetson TX2, where the last ONNX Runtime with a GPU build is 1.11, or whatever runs the
 * 1.22 that edgemux comes with.
 */
export const TARGETS = {
  jetpack46: {
    ...READS['1.11'],
    domains: { 'ai.onnx.ml': 2, 'com.microsoft': 1 },
    newType: 17,
    runtime: 'ONNX Runtime 1.11 (JetPack 4.6)',
  },
  any: {
    ...READS['1.22'],
    domains: { 'ai.onnx.ml': 5, 'com.microsoft': 1 },
    newType: 23,
    runtime: 'ONNX Runtime 1.22',
  },
} satisfies Record<string, Limits>;
export type Target = keyof typeof TARGETS;

/** Below it element-wise operators do not broadcast as ours need. */
const OLDEST_OPSET = 7;

export interface Versions {
  /** As the file says. */
  opset: number;
  ir: number;
  /** As it is written: the file's IR, but 4 at least (weights are constants), and no newer than the target reads. */
  writtenOpset: number;
  writtenIr: number;
  /** The graph in the operators of `writtenOpset`, where those are not the file's. */
  lowered: Lowered['nodes'] | null;
}

/** Who asks: stands in remedies. */
export interface Asking {
  id: string;
  path: string;
  target: Target;
}

/** @throws EdgemuxError MODEL_UNUSABLE for a model that the target's ONNX Runtime could not load, with what to do */
export function checkVersions(model: ReadModel, asking: Asking): Versions {
  const { path, target } = asking;
  const limits = TARGETS[target];
  const ir = toNumber(model.irVersion);
  const newType = [...tensorsOf(model.graph)].find(({ dataType = 0 }) => dataType >= limits.newType);
  const { functions = [], trainingInfo = [] } = model;
  if (newType || (ir > limits.ir && functions.length > 0)) {
    const what = newType ? typeName(newType.dataType) : 'functions';
    throw unusable(path, `IR ${ir} with ${what} is newer than ${supported(target)}. ${remedy(asking)}`);
  }
  if (trainingInfo.length > 0) throw unusable(path, 'it is a training graph: export it for inference');
  let opset = 0;
  for (const { domain = '', version } of model.opsetImport ?? []) {
    if (domain === '' || domain === 'ai.onnx') opset = toNumber(version);
    else checkDomain(model, path, domain, toNumber(version), target);
  }
  if (opset < OLDEST_OPSET) {
    const convert =
      `Convert it (the converter wants a fixed batch, of which the import frees it): ` +
      `python3 -c "import onnx; from onnx import version_converter as v; m = onnx.load('${path}'); ` +
      `[setattr(p.type.tensor_type.shape.dim[0], 'dim_value', 1) for p in (m.graph.input[0], m.graph.output[0])]; ` +
      `onnx.save(v.convert_version(m, 13), 'converted.onnx')"`;
    throw unusable(path, `opset ${opset} is outside ${supported(target)}. ${convert}`);
  }
  const written = { writtenOpset: opset, writtenIr: Math.min(limits.ir, Math.max(4, ir)) };
  if (opset <= limits.opset) return { opset, ir, ...written, lowered: null };
  const { nodes, left } = lower(model.graph);
  if (target === 'any' || left.length > 0) {
    const why = target === 'any' ? '' : ` (${left.join(', ')})`;
    throw unusable(path, `opset ${opset}${why} is newer than ${supported(target)}. ${remedy(asking)}`);
  }
  return { opset, ir, ...written, writtenOpset: limits.opset, lowered: nodes };
}

/** An operator set of somebody else counts only where a node is of it. */
function checkDomain(model: ReadModel, path: string, domain: string, version: number, target: Target): void {
  const used = (model.graph.node ?? []).find((node) => node.domain === domain);
  const domains: Record<string, number> = TARGETS[target].domains;
  const most = domains[domain] ?? (model.functions?.length ? Infinity : 0);
  if (!used || version <= most) return;
  throw unusable(
    path,
    `operator ${used.opType ?? ''} is of '${domain}' ${version}, which ${TARGETS[target].runtime} does not have. Export with ONNX's own operators`,
  );
}

function supported(target: Target): string {
  const { runtime, opset, ir } = TARGETS[target];
  return `what ${runtime} reads: opset ${OLDEST_OPSET} to ${opset}, IR up to ${ir}`;
}

/** What works for a file that is too new for its target. */
export function remedy({ id, target }: Pick<Asking, 'id' | 'target'>): string {
  const { opset } = TARGETS[target];
  const again = `Export it again: torch.onnx.export(model, image, file, opset_version=${opset}, dynamo=False); tf2onnx: --opset ${opset}`;
  if (target === 'any') return again;
  return `${again}. Or, where no Jetson with JetPack 4.6 is to run it, pass --target ${id}=any`;
}

/** One side of a tensor: its length, or null where it is free. */
export type Dim = number | null;

export interface Port {
  name: string;
  /** TensorProto.DataType. */
  type: number;
  /** null where the file does not say. */
  dims: Dim[] | null;
}

/** What the user said of the input; null: as the file says. */
export interface WantedInput {
  size: Pick<Preprocessing, 'height' | 'width'> | null;
  layout: Layout | null;
  colour: Colour;
}

export interface ImageInput extends Pick<Preprocessing, 'height' | 'width' | 'layout'> {
  name: string;
  /** TensorProto.DataType: float32, float16, uint8 or int8. */
  type: number;
  /** Size that the batch is fixed to, or null. */
  batch: number | null;
}

const INPUT_TYPES = [FLOAT, FLOAT16, UINT8, INT8];

/**
 * The one image input of a model, checked against what the user said of it.
 *
 * @throws EdgemuxError MODEL_UNUSABLE
 */
export function findInput(
  model: ReadModel,
  { id, path }: Pick<Asking, 'id' | 'path'>,
  wanted: WantedInput,
): ImageInput {
  const { name, type, dims } = portOf(onlyInput(model, path));
  if (!INPUT_TYPES.includes(type)) {
    const known = INPUT_TYPES.map(typeName).join(', ');
    throw unusable(
      path,
      `input '${name}' is ${typeName(type)} instead of one of ${known}: export it in float32`,
    );
  }
  if (dims && dims.length !== 4)
    throw unusable(path, `${shownInput(name, dims)}; an image input has four dims`);
  const layout = wanted.layout ?? layoutOf(dims, channelsOfColour(wanted.colour));
  const [channels, height, width] = sidesOf(dims, layout);
  if (dims) checkChannels(path, name, dims, layout, wanted.colour, channels);
  const size = wanted.size ?? (height !== null && width !== null ? { height, width } : null);
  if (size === null)
    throw unusable(
      path,
      `${shownInput(name, dims ?? [])}: its height and width are free. Pass --size ${id}=HEIGHTxWIDTH`,
    );
  if ((height ?? size.height) !== size.height || (width ?? size.width) !== size.width) {
    throw unusable(
      path,
      `${shownInput(name, dims ?? [])}: it takes ${height}x${width} images (HxW), not ${size.height}x${size.width}. ` +
        `Pass --size ${id}=${height}x${width} (each model has a size of its own), or export it with free height and width`,
    );
  }
  return { name, type, batch: dims?.[0] ?? null, layout, ...size };
}

function onlyInput(model: ReadModel, path: string): OnnxValueInfo {
  const constants = new Set((model.graph.initializer ?? []).map((tensor) => tensor.name));
  const inputs = (model.graph.input ?? []).filter(({ name }) => !constants.has(name));
  const [first, ...others] = inputs;
  if (!first) throw unusable(path, 'it has no input');
  if (others.length > 0) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw unusable(path, `it has ${inputs.length} inputs (${names}); a classifier of images has one`);
  }
  return first;
}

function channelsOfColour(colour: Colour): number {
  return colour === 'gray' ? 1 : 3;
}

/** As the place of the channels says; PyTorch's where it does not. */
function layoutOf(dims: Dim[] | null, channels: number): Layout {
  const is = (side: Dim | undefined): boolean => side === channels;
  const could = (side: Dim | undefined): boolean => side === 1 || side === 3;
  if (is(dims?.[1])) return 'nchw';
  if (is(dims?.[3])) return 'nhwc';
  return !could(dims?.[1]) && could(dims?.[3]) ? 'nhwc' : 'nchw';
}

/** Channels, height and width. */
function sidesOf(dims: Dim[] | null, layout: Layout): [Dim, Dim, Dim] {
  const [, one = null, two = null, three = null] = dims ?? [];
  return layout === 'nchw' ? [one, two, three] : [three, one, two];
}

function shownInput(name: string, dims: Dim[]): string {
  return `input '${name}' is [${dims.map((side) => side ?? 'N').join(', ')}]`;
}

function checkChannels(
  path: string,
  name: string,
  dims: Dim[],
  layout: Layout,
  colour: Colour,
  found: Dim,
): void {
  const channels = channelsOfColour(colour);
  if (found === null || found === channels) return;
  const other = LAYOUTS.find((one) => one !== layout) ?? layout;
  const advice =
    sidesOf(dims, other)[0] === channels
      ? `Pass --layout ${other}`
      : `--colour ${colour} means ${channels} channel(s)`;
  throw unusable(path, `${shownInput(name, dims)}, which has ${found} channels as ${layout}. ${advice}`);
}

const OUTPUT_TYPES = [FLOAT, FLOAT16, UINT8, INT8];

/**
 * The output that holds the class scores.
 *
 * @param named the user's choice, needed where there are several
 * @returns it, and how many scores one image has, or null where the file does not say
 * @throws EdgemuxError MODEL_UNUSABLE
 */
export function findOutput(
  model: ReadModel,
  path: string,
  named: string | null,
): Port & { length: number | null } {
  const outputs = model.graph.output ?? [];
  const names = outputs.map(({ name }) => name).join(', ');
  const [first] = named === null ? outputs : outputs.filter(({ name }) => name === named);
  if (!first) throw unusable(path, `there is no output '${named ?? ''}', only ${names || 'none'}`);
  if (named === null && outputs.length > 1) {
    throw unusable(
      path,
      `it has ${outputs.length} outputs (${names}): name that of the classes with --output`,
    );
  }
  const port = portOf(first);
  if (!OUTPUT_TYPES.includes(port.type)) {
    throw unusable(
      path,
      `output '${port.name}' is ${typeName(port.type)} instead of float32: it should be one score a class`,
    );
  }
  const sides = port.dims?.slice(1);
  const known = sides?.every((side) => side !== null) ?? false;
  return {
    ...port,
    length: known ? (sides ?? []).reduce<number>((all, side) => all * (side ?? 1), 1) : null,
  };
}

function portOf({ name = '', type }: OnnxValueInfo): Port {
  const dim = type?.tensorType?.shape?.dim;
  const dims =
    dim?.map((side) =>
      side.value === 'dimValue' && toNumber(side.dimValue) > 0 ? toNumber(side.dimValue) : null,
    ) ?? null;
  return { name, type: type?.tensorType?.elemType ?? 0, dims };
}

export function unusable(path: string, problem: string): EdgemuxError {
  return new EdgemuxError('MODEL_UNUSABLE', `${path}: ${problem}`, { details: { path } });
}
