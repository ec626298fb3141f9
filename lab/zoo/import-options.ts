/** The command line of `edgemux zoo import`: its flags, and from what was given to what an import does. */
import { basename } from 'node:path';
import { invalid, optionalText, requiredText } from '../flags.js';
import { COLOURS, LAYOUTS, type Preprocessing } from './onnx/onnx-pixels.js';

export const ROLES = ['local', 'cloud', 'group'] as const;
export type Role = (typeof ROLES)[number];
export const OUTPUTS = ['logits', 'probabilities'] as const;

export interface ModelOption {
  id: string;
  roles: Role[];
  file: string;
  preprocessing: Preprocessing;
  /** Output with the class scores; null: the only one. */
  output: string | null;
  /** What that output holds; null: seen from a run. */
  outputIs: (typeof OUTPUTS)[number] | null;
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
    describe: 'text file: the name of class 0 in its first line, and so on',
  },
  size: {
    type: 'string',
    ...NEEDED,
    describe: 'input of the models in pixels: HxW, or one number',
  },
  mean: {
    type: 'string',
    ...SEVERAL,
    demandOption: true,
    describe: `what is taken from pixel / scale, a number or one a channel in the model's order (0.485,0.456,0.406); ${EACH}`,
  },
  std: {
    type: 'string',
    ...SEVERAL,
    demandOption: true,
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
    default: ['nchw'],
    describe: `${LAYOUTS.join(' (PyTorch) or ')} (TensorFlow); ${EACH}`,
  },
  output: {
    type: 'string',
    ...SEVERAL,
    describe: `output with the class scores, where a model has several; ${EACH}`,
  },
  'output-is': {
    type: 'string',
    ...SEVERAL,
    describe: `${OUTPUTS.join(' or ')}; seen from a run where it is not given; ${EACH}`,
  },
  flops: {
    type: 'string',
    ...SEVERAL,
    describe: 'ID=N: multiply-accumulates per image, instead of counting them',
  },
  name: {
    type: 'string',
    ...NEEDED,
    describe: 'name of the zoo, the same for device and server',
  },
  licence: { type: 'string', requiresArg: true, default: 'not stated', describe: 'licence of the models' },
  out: {
    type: 'string',
    ...NEEDED,
    describe: 'folder of the zoo',
  },
  image: { type: 'string', requiresArg: true, describe: 'a picture to try the models on (JPEG, PNG, WebP)' },
  calibrate: {
    type: 'string',
    requiresArg: true,
    describe: 'folder of labelled images that the models were not trained on: sets the confidence',
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
  const size = parseSize(argv['size']);
  const models = named.map((model) => ({ ...model, ...perModel(argv, ids, model.id, size) }));
  const grays = models.filter(({ preprocessing }) => preprocessing.colour === 'gray').length;
  if (grays > 0 && grays < models.length)
    throw invalid('colour', argv['colour'], 'gray for all models or for none');
  return {
    models,
    confidence,
    labelsFile: requiredText(argv, 'labels'),
    name: requiredText(argv, 'name', /^[A-Za-z0-9_-]{1,64}$/, '1-64 characters of A-Za-z0-9_-'),
    licence: optionalText(argv['licence']) ?? 'not stated',
    outDir: requiredText(argv, 'out'),
    imageFile: optionalText(argv['image']),
    calibrateDir: optionalText(argv['calibrate']),
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

function perModel(
  argv: Record<string, unknown>,
  ids: readonly string[],
  id: string,
  size: Pick<Preprocessing, 'height' | 'width'>,
): Pick<ModelOption, 'preprocessing' | 'output' | 'outputIs' | 'flops'> {
  const given = (flag: string) => valueFor(flag, texts(argv[flag]), ids, id);
  const colour = oneOf('colour', given('colour') ?? 'rgb', COLOURS);
  const channels = colour === 'gray' ? 1 : 3;
  const outputIs = given('output-is');
  const flops = given('flops');
  return {
    preprocessing: {
      ...size,
      colour,
      layout: oneOf('layout', given('layout') ?? 'nchw', LAYOUTS),
      scale: Number(oneOf('scale', given('scale') ?? '255', ['255', '1'] as const)),
      mean: numbers('mean', given('mean'), channels, () => true),
      std: numbers('std', given('std'), channels, (value) => value > 0),
    },
    output: given('output'),
    outputIs: outputIs === null ? null : oneOf('output-is', outputIs, OUTPUTS),
    flops: flops === null ? null : (numbers('flops', flops, 1, (value) => value > 0)[0] ?? null),
  };
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

function parseSize(value: unknown): { height: number; width: number } {
  const [, height = '', width = height] = /^(\d+)(?:x(\d+))?$/i.exec(String(value).trim()) ?? [];
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
