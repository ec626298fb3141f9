/** The command line of `edgemux zoo import`: its flags, and from what was given to what an import does. */
import { basename } from 'node:path';
import { FITS, KERNELS, type NetworkInput } from '../../mux/zoo/input.js';
import { invalid, optionalText, requiredText } from '../flags.js';
import { TARGETS, type Target, type WantedInput } from './onnx/onnx-check.js';
import { COLOURS, LAYOUTS, type Preprocessing } from './onnx/onnx-pixels.js';
import { OUTPUTS, type OutputIs } from './onnx/onnx-scores.js';

export const ROLES = ['local', 'cloud', 'group'] as const;
export type Role = (typeof ROLES)[number];

/** `from` to before `to`; null: to the last. */
export interface ClassRange {
  from: number;
  to: number | null;
}

/** (pixel / scale − mean) / std, in the order of the network's channels. */
export type Normalisation = Pick<Preprocessing, 'colour' | 'scale' | 'mean' | 'std'>;

export interface ModelOption {
  id: string;
  roles: Role[];
  file: string;
  /** Height and width, and layout; null: as the file says. */
  input: Omit<WantedInput, 'colour'>;
  /** How a picture becomes the input. */
  fitting: Pick<NetworkInput, 'fit' | 'share' | 'kernel'>;
  normalisation: Normalisation;
  target: Target;
  /** Output with the class scores; null: the only one. */
  output: string | null;
  /** What that output holds; null: seen from a run. */
  outputIs: OutputIs | null;
  /** Which of its scores are classes of the zoo; null: all. */
  classes: ClassRange | null;
  /** File with its classes in its own order; null: as `labels` has them. */
  classOrderFile: string | null;
  /** Multiply-accumulates per image, instead of counting them. */
  flops: number | null;
}

export interface ImportOptions {
  models: ModelOption[];
  labelsFile: string;
  name: string;
  licence: string;
  outDir: string;
  /** Picture that both forms of every model are run on; null: a made-up one. */
  imageFile: string | null;
  /** Labelled images that set the confidence; null: `confidence` as it is. */
  calibrateDir: string | null;
  /** Labelled images that the zoo is to be judged on; the zoo gets a list of them. */
  testDir: string | null;
  /** Pictures that the usual preparations are tried on, instead of an import. */
  probeDir: string | null;
  confidence: number;
  force: boolean;
}

const EACH = 'for all models, or ID=… for one';
const NEEDED = { requiresArg: true, demandOption: true };
const SEVERAL = { array: true, requiresArg: true };

export const IMPORT_OPTIONS = {
  model: {
    type: 'string',
    ...SEVERAL,
    demandOption: true,
    describe: 'ID=FILE or ID:ROLE+ROLE=FILE; roles local, cloud, group (an ID that is a role has it)',
  },
  labels: {
    type: 'string',
    ...NEEDED,
    describe: 'names of the classes: text (class 0 in the first line), JSON (id2label or a list) or CSV',
  },
  size: {
    type: 'string',
    ...SEVERAL,
    describe: `input in pixels, HxW or one number, where the file leaves it free; ${EACH}`,
  },
  fit: {
    type: 'string',
    ...SEVERAL,
    default: ['stretch'],
    describe: `how a picture becomes the input: ${FITS.join(', ')} (crop keeps its middle, as most were trained); ${EACH}`,
  },
  share: {
    type: 'string',
    ...SEVERAL,
    describe: `part of the picture's shorter side that --fit crop keeps (0.875); ${EACH}`,
  },
  kernel: {
    type: 'string',
    ...SEVERAL,
    default: ['bilinear'],
    describe: `resizing: ${KERNELS.join(', ')}; ${EACH}`,
  },
  mean: {
    type: 'string',
    ...SEVERAL,
    describe: `what is taken from pixel / scale, a number or one a channel in the model's order (0.485,0.456,0.406); ${EACH}`,
  },
  std: {
    type: 'string',
    ...SEVERAL,
    describe: `what the difference is divided by (0.229,0.224,0.225); ${EACH}`,
  },
  scale: {
    type: 'string',
    ...SEVERAL,
    default: ['255'],
    describe: `what pixels of 0-255 are divided by first: 255 or 1; ${EACH}`,
  },
  colour: {
    type: 'string',
    ...SEVERAL,
    default: ['rgb'],
    describe: `order of channels: ${COLOURS.join(', ')}; ${EACH}`,
  },
  layout: {
    type: 'string',
    ...SEVERAL,
    describe: `${LAYOUTS.join(' (PyTorch) or ')} (TensorFlow), where the file does not show it; ${EACH}`,
  },
  output: {
    type: 'string',
    ...SEVERAL,
    describe: `output with the class scores, where a model has several; ${EACH}`,
  },
  'output-is': {
    type: 'string',
    ...SEVERAL,
    describe: `${OUTPUTS.join(', ')}; seen from the graph and runs where it is not given; ${EACH}`,
  },
  classes: {
    type: 'string',
    ...SEVERAL,
    describe: `which of its scores are classes of --labels: 1: leaves out a first one (background); ${EACH}`,
  },
  'class-order': {
    type: 'string',
    ...SEVERAL,
    describe: `file with a model's classes in its own order, where that is not the one of --labels; ${EACH}`,
  },
  target: {
    type: 'string',
    ...SEVERAL,
    describe: `what must load the file: ${Object.keys(TARGETS).join(' or ')}; jetpack46 for the local model, any for others; ${EACH}`,
  },
  flops: {
    type: 'string',
    ...SEVERAL,
    describe: 'ID=N: multiply-accumulates per image, instead of counting them',
  },
  name: {
    type: 'string',
    requiresArg: true,
    describe: 'name of the zoo, the same for device and server',
  },
  licence: { type: 'string', requiresArg: true, default: 'not stated', describe: 'licence of the models' },
  out: { type: 'string', requiresArg: true, describe: 'folder of the zoo' },
  probe: {
    type: 'string',
    requiresArg: true,
    describe:
      'import nothing: try the usual --mean, --std, --scale, --colour, --fit and --kernel on pictures of this folder',
  },
  image: { type: 'string', requiresArg: true, describe: 'a picture to try the models on (JPEG, PNG, WebP)' },
  calibrate: {
    type: 'string',
    requiresArg: true,
    describe: 'folder of labelled images that the models were not trained on: sets the confidence',
  },
  test: {
    type: 'string',
    requiresArg: true,
    describe: 'folder of labelled images for eval, calibrate, demo and measure: the zoo gets a list of them',
  },
  confidence: {
    type: 'number',
    default: 0.8,
    describe: 'offload below this confidence of the local model',
  },
  force: { type: 'boolean', default: false, describe: 'replace a zoo that is in the folder already' },
} as const;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Checks the parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function importOptions(argv: Record<string, unknown>): ImportOptions {
  const named = texts(argv['model']).map(parseModel);
  if (named.length < 2)
    throw invalid(
      'model',
      texts(argv['model']).join(' '),
      'given for two models or more: local=… and cloud=…',
    );
  const ids = named.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw invalid('model', twice, 'an ID of its own for each model');
  const locals = named.filter(({ roles }) => roles.includes('local')).length;
  if (locals !== 1) throw invalid('model', ids.join(', '), 'exactly one model with the role local');
  const confidence = Number(argv['confidence'] ?? 0.8);
  if (!(confidence >= 0 && confidence <= 1)) throw invalid('confidence', argv['confidence'], 'in 0 to 1');
  const models = named.map((model) => ({ ...model, ...perModel(argv, ids, model) }));
  const probeDir = optionalText(argv['probe']);
  if (argv['share'] !== undefined && models.every(({ fitting }) => fitting.fit !== 'crop'))
    throw invalid('share', argv['share'], 'given with --fit crop');
  return {
    models,
    confidence,
    labelsFile: requiredText(argv, 'labels'),
    name:
      probeDir !== null
        ? ''
        : requiredText(argv, 'name', /^[A-Za-z0-9_-]{1,64}$/, '1-64 characters of A-Za-z0-9_-'),
    licence: optionalText(argv['licence']) ?? 'not stated',
    outDir: probeDir !== null ? '' : requiredText(argv, 'out'),
    imageFile: optionalText(argv['image']),
    calibrateDir: optionalText(argv['calibrate']),
    testDir: optionalText(argv['test']),
    probeDir,
    force: argv['force'] === true,
  };
}

/** `mobilenet:local+group=small.onnx` → its parts; an ID that is a role's name has that role. */
function parseModel(value: string): Pick<ModelOption, 'id' | 'roles' | 'file'> {
  const [, id = '', roleText, file = ''] = /^([^:=]*)(?::([^=]*))?=(.+)$/.exec(value) ?? [];
  if (!ID.test(id)) throw invalid('model', value, `ID=FILE, as in local=${basename(value) || 'small.onnx'}`);
  const roles = roleText === undefined ? ROLES.filter((role) => role === id) : roleText.split('+');
  const stranger = roles.find((role) => !ROLES.some((known) => known === role));
  if (stranger !== undefined)
    throw invalid('model', value, `ID:ROLE=FILE with a role of ${ROLES.join(', ')}`);
  return { id, roles: ROLES.filter((role) => roles.includes(role)), file };
}

type PerModel = Omit<ModelOption, 'id' | 'roles' | 'file'>;

function perModel(
  argv: Record<string, unknown>,
  ids: readonly string[],
  { id, roles }: Pick<ModelOption, 'id' | 'roles'>,
): PerModel {
  const given = (flag: string) => valueFor(flag, texts(argv[flag]), ids, id);
  const chosen = <T extends string>(flag: string, allowed: readonly T[]): T | null => {
    const value = given(flag);
    return value === null ? null : oneOf(flag, value, allowed);
  };
  const colour = chosen('colour', COLOURS) ?? 'rgb';
  const channels = colour === 'gray' ? 1 : 3;
  const unlessProbed = (flag: string, allowed: (value: number) => boolean): number[] =>
    given(flag) === null && optionalText(argv['probe']) !== null
      ? []
      : numbers(flag, given(flag), channels, allowed);
  const [size, share, classes, flops] = ['size', 'share', 'classes', 'flops'].map(given);
  const fit = chosen('fit', FITS) ?? 'stretch';
  return {
    input: { size: size == null ? null : parseSize(size), layout: chosen('layout', LAYOUTS) },
    fitting: {
      fit,
      share: fit === 'crop' ? one('share', share ?? '0.875', (value) => value > 0 && value <= 1) : 1,
      kernel: chosen('kernel', KERNELS) ?? 'bilinear',
    },
    normalisation: {
      colour,
      scale: Number(chosen('scale', ['255', '1']) ?? '255'),
      mean: unlessProbed('mean', () => true),
      std: unlessProbed('std', (value) => value > 0),
    },
    target: chosen('target', ['jetpack46', 'any']) ?? (roles.includes('local') ? 'jetpack46' : 'any'),
    output: given('output'),
    outputIs: chosen('output-is', OUTPUTS),
    classes: classes == null ? null : parseRange(classes),
    classOrderFile: given('class-order'),
    flops: flops == null ? null : one('flops', flops, (value) => value > 0),
  };
}

function one(flag: string, value: string, allowed: (value: number) => boolean): number {
  return numbers(flag, value, 1, allowed)[0] ?? NaN;
}

/** `1:` and `:1000` and `1:1001`, as Python slices. */
function parseRange(value: string): ClassRange {
  const [, from = '', to = ''] = /^(\d*):(\d*)$/.exec(value) ?? [];
  const range = { from: Number(from), to: to === '' ? null : Number(to) };
  if (from + to !== '' && (range.to ?? Infinity) - range.from >= 1) return range;
  throw invalid('classes', value, 'a range of scores, as in 1: (all but the first) or :1000');
}

/** The value that names this model, else the one that names none. */
function valueFor(flag: string, values: string[], ids: readonly string[], id: string): string | null {
  let general: string | null = null;
  let own: string | null = null;
  for (const value of values) {
    const [, owner, rest = ''] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.*)$/.exec(value) ?? [];
    if (owner === undefined) general = value;
    else if (!ids.includes(owner)) throw invalid(flag, value, `for one of the models ${ids.join(', ')}`);
    else if (owner === id) own = rest;
  }
  return own ?? general;
}

function numbers(
  flag: string,
  value: string | null,
  channels: number,
  allowed: (value: number) => boolean,
): number[] {
  const list = (value ?? '').split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const fits = list.length === 1 || list.length === channels;
  if (fits && list.every((one) => Number.isFinite(one) && allowed(one))) return list;
  throw invalid(flag, value ?? 'nothing', `one number${channels > 1 ? `, or ${channels} with commas` : ''}`);
}

function parseSize(value: string): { height: number; width: number } {
  const [, height = '', width = height] = /^(\d+)(?:x(\d+))?$/i.exec(value.trim()) ?? [];
  const size = { height: Number(height), width: Number(width) };
  if (size.height >= 1 && size.width >= 1 && Math.max(size.height, size.width) <= 4096) return size;
  throw invalid('size', value, 'height x width in pixels up to 4096, as in 224x224');
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(flag, value, allowed.join(' or '));
}

function texts(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
