/** The command line of `edgemux zoo import`, as plain data. */
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
