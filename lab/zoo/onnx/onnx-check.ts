/** Is a model one that a zoo can take in? Versions, input and output, each refusal with its remedy. */
import { EdgemuxError } from '../../../common/errors.js';
import type { ReadModel } from './onnx-file.js';
import { channelsOf, type Preprocessing } from './onnx-pixels.js';
import { FLOAT, tensorsOf, toNumber, typeName, UINT8, type OnnxValueInfo } from './onnx-types.js';

/** What ONNX Runtime 1.11 reads, the last release whose GPU build runs on JetPack 4.6. */
export const NEWEST = { opset: 16, ir: 8 } as const;
/** Below it element-wise operators do not broadcast as ours need. */
const OLDEST_OPSET = 7;
/** Versions of the other operator sets that ONNX Runtime 1.11 has. */
const OTHER_DOMAINS: Record<string, number> = { 'ai.onnx.ml': 2, 'com.microsoft': 1 };
/** First data type (float8) that came after IR 8. */
const FIRST_NEW_TYPE = 17;

export interface Versions {
  opset: number;
  /** As the file says. */
  ir: number;
  /** As it is written: the file's, but 4 at least (weights are constants) and 8 at most. */
  writtenIr: number;
}

/** @throws EdgemuxError MODEL_UNUSABLE for a model that ONNX Runtime 1.11 could not load, with what to do */
export function checkVersions(model: ReadModel, path: string): Versions {
  const ir = toNumber(model.irVersion);
  const newType = [...tensorsOf(model.graph)].find(({ dataType = 0 }) => dataType >= FIRST_NEW_TYPE);
  const { functions = [], trainingInfo = [] } = model;
  if (newType || (ir > NEWEST.ir && functions.length > 0)) {
    const what = newType ? typeName(newType.dataType) : 'functions';
    throw unusable(path, `IR ${ir} with ${what} is newer than ${supported()}. ${exportAgain()}`);
  }
  if (trainingInfo.length > 0) throw unusable(path, 'it is a training graph: export it for inference');
  let opset = 0;
  for (const { domain = '', version } of model.opsetImport ?? []) {
    if (domain === '' || domain === 'ai.onnx') opset = toNumber(version);
    else checkDomain(model, path, domain, toNumber(version));
  }
  if (opset < OLDEST_OPSET || opset > NEWEST.opset) {
    const convert =
      `Or convert it: python3 -c "import onnx; from onnx import version_converter as v; ` +
      `onnx.save(v.convert_version(onnx.load('${path}'), 13), 'converted.onnx')"`;
    throw unusable(path, `opset ${opset} is outside ${supported()}. ${exportAgain()} ${convert}`);
  }
  return { opset, ir, writtenIr: Math.min(NEWEST.ir, Math.max(4, ir)) };
}

/** An operator set of somebody else counts only where a node is of it. */
function checkDomain(model: ReadModel, path: string, domain: string, version: number): void {
  const used = (model.graph.node ?? []).find((node) => node.domain === domain);
  const most = OTHER_DOMAINS[domain] ?? (model.functions?.length ? Infinity : 0);
  if (!used || version <= most) return;
  throw unusable(
    path,
    `operator ${used.opType ?? ''} is of '${domain}' ${version}, which ONNX Runtime 1.11 does not have. Export with ONNX's own operators`,
  );
}

function supported(): string {
  return `what ONNX Runtime 1.11 (JetPack 4.6) reads: opset ${OLDEST_OPSET} to ${NEWEST.opset}, IR up to ${NEWEST.ir}`;
}

function exportAgain(): string {
  return 'Export it again: torch.onnx.export(model, image, file, opset_version=13, dynamo=False); tf2onnx: --opset 13.';
}

/** One side of a tensor: its length, or null where it is free. */
export type Dim = number | null;

export interface Port {
  name: string;
  /** null where the file does not say. */
  dims: Dim[] | null;
}

/**
 * The one image input of a model, checked against what the user said of it.
 *
 * @returns its name, and the batch size that it is fixed to, or null
 * @throws EdgemuxError MODEL_UNUSABLE
 */
export function findInput(
  model: ReadModel,
  path: string,
  wanted: Preprocessing,
): { name: string; batch: number | null } {
  const constants = new Set((model.graph.initializer ?? []).map((tensor) => tensor.name));
  const inputs = (model.graph.input ?? []).filter(({ name }) => !constants.has(name));
  const [first, ...others] = inputs;
  if (!first) throw unusable(path, 'it has no input');
  if (others.length > 0) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw unusable(path, `it has ${inputs.length} inputs (${names}); a classifier of images has one`);
  }
  const { name, dims } = portOf(first);
  const type = first.type?.tensorType?.elemType;
  if (type !== FLOAT) {
    const remedy =
      type === UINT8
        ? 'It seems to hold its preprocessing already: export it without'
        : 'Export it in float32; ONNX Runtime converts where a GPU gains from it';
    throw unusable(path, `input '${name}' is ${typeName(type)} instead of float32. ${remedy}`);
  }
  if (dims) checkImageDims(path, name, dims, wanted);
  return { name, batch: dims?.[0] ?? null };
}

function checkImageDims(path: string, name: string, dims: Dim[], wanted: Preprocessing): void {
  const shown = `input '${name}' is [${dims.map((side) => side ?? 'N').join(', ')}]`;
  if (dims.length !== 4) throw unusable(path, `${shown}; an image input has four dims`);
  const { height, width, layout, colour } = wanted;
  const channels = channelsOf(wanted);
  const [foundChannels, foundHeight, foundWidth] =
    layout === 'nchw' ? [dims[1], dims[2], dims[3]] : [dims[3], dims[1], dims[2]];
  const other = layout === 'nchw' ? dims[3] : dims[1];
  if (foundChannels != null && foundChannels !== channels) {
    const remedy =
      other === channels
        ? `Pass --layout ${layout === 'nchw' ? 'nhwc' : 'nchw'}`
        : `--colour ${colour} means ${channels} channel(s)`;
    throw unusable(path, `${shown}, which has ${foundChannels} channels as ${layout}. ${remedy}`);
  }
  if ((foundHeight ?? height) !== height || (foundWidth ?? width) !== width) {
    throw unusable(
      path,
      `${shown}: it takes ${foundHeight}x${foundWidth} images (HxW), not ${height}x${width}. ` +
        `Pass --size ${foundHeight}x${foundWidth}, or export it with free height and width`,
    );
  }
}

/**
 * The output that holds the class scores, checked against the number of labels.
 *
 * @param named the user's choice, needed where there are several
 * @throws EdgemuxError MODEL_UNUSABLE
 */
export function findOutput(model: ReadModel, path: string, classes: number, named: string | null): Port {
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
  const type = first.type?.tensorType?.elemType;
  if (type !== FLOAT) {
    throw unusable(
      path,
      `output '${port.name}' is ${typeName(type)} instead of float32: it should be one score a class`,
    );
  }
  const found = port.dims?.slice(1);
  const length =
    found && !found.includes(null) ? found.reduce<number>((all, side) => all * (side ?? 1), 1) : classes;
  if (length !== classes) {
    const background =
      length === classes + 1 ? '. One more than labels: a first class "background" is often missing' : '';
    throw unusable(
      path,
      `output '${port.name}' has ${length} classes, the labels file has ${classes}${background}`,
    );
  }
  return port;
}

function portOf({ name = '', type }: OnnxValueInfo): Port {
  const dim = type?.tensorType?.shape?.dim;
  if (!dim) return { name, dims: null };
  return { name, dims: dim.map((side) => (side.value === 'dimValue' ? toNumber(side.dimValue) : null)) };
}

function unusable(path: string, problem: string): EdgemuxError {
  return new EdgemuxError('MODEL_UNUSABLE', `${path}: ${problem}`, { details: { path } });
}
