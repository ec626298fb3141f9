/** The command line of `edgemux calibrate`, as plain data. */
import { type RankedMode, RANKED_MODES } from '../../mux/rules/policies/registry.js';
import { EdgemuxError } from '../../common/errors.js';
import { SHIPPED_ZOO, type Provider } from '../../mux/config.js';
import { amount, IMAGES_OPTION, imagesFolder, invalid, optionalText, providerList, whole } from '../flags.js';
import type { Budget } from './choose.js';

export interface CalibrateOptions {
  zooDir: string;
  /** Labels of `edgemux label`, the journal of a daemon, or (null) the zoo's own test images. */
  source: { kind: 'labels'; file: string } | { kind: 'journal'; dir: string } | null;
  /** Campaign that tells what routes cost. */
  campaign: string | null;
  /** Null: the zoo's. */
  mode: RankedMode | null;
  budget: Budget;
  /** Folder of labelled pictures, in the place of the zoo's own test images. */
  images: string | null;
  /** Images at most. */
  limit: number | null;
  providers: Provider[];
  /** Random halves to check the intervals on; 0: none. */
  check: number;
  seed: number;
  configFile: string | null;
  apply: boolean;
  /** Every mode and the group for the zoo's own goal, in the place of one threshold for a budget; null: not that. */
  all: { gapShare: number; upload: number | null } | null;
}

export const CALIBRATE_OPTIONS = {
  offload: { type: 'number', requiresArg: true, describe: 'largest share of offloaded frames, 0 to 1' },
  accuracy: { type: 'number', requiresArg: true, describe: 'least share of right answers, 0 to 1' },
  energy: {
    type: 'number',
    requiresArg: true,
    describe: 'largest mean energy of a frame on the device in J',
  },
  p95: { type: 'number', requiresArg: true, describe: 'largest 95th percentile of latency in ms' },
  zoo: {
    type: 'string',
    default: SHIPPED_ZOO,
    defaultDescription: 'models/fashion-mnist',
    describe: 'model zoo folder; its test images unless --images, --labels or --journal is given',
  },
  labels: {
    type: 'string',
    requiresArg: true,
    describe: 'labels file of edgemux label (mode cascade; with its --mux every mode)',
  },
  journal: {
    type: 'string',
    requiresArg: true,
    describe: "data folder of a daemon (mode mux; nobody's labels)",
  },
  campaign: {
    type: 'string',
    requiresArg: true,
    describe: 'campaign of edgemux measure that tells energy and latency by route, for --energy and --p95',
  },
  mode: { type: 'string', choices: RANKED_MODES, describe: "policy to set the threshold of; the zoo's own" },
  images: IMAGES_OPTION,
  limit: { type: 'number', requiresArg: true, describe: 'images at most, taken evenly from all' },
  provider: {
    type: 'string',
    default: 'cuda,cpu',
    describe: 'execution providers in order, as for edgemux run',
  },
  check: {
    type: 'number',
    default: 0,
    describe: 'check the intervals on so many random halves of the frames',
  },
  seed: { type: 'number', default: 1, describe: 'which halves' },
  all: {
    type: 'boolean',
    default: false,
    describe: "thresholds of every mode and the server's group policy, as the trainer sets them; no budget",
  },
  gap: {
    type: 'number',
    default: 0.98,
    describe: "with --all: accuracy to reach, as a share of the way from the local model's to the cloud's",
  },
  upload: {
    type: 'number',
    requiresArg: true,
    describe: "with --all: cost of an upload in local runs; the zoo's own, else 4",
  },
  apply: {
    type: 'boolean',
    default: false,
    describe: "write the threshold into the file of --config; with --all the policy into the zoo's manifest",
  },
} as const;

/** Frames, halves and seeds at most: more than anybody has. */
const MOST = 1_000_000_000;

/** Checks a parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function calibrateOptions(argv: Record<string, unknown>, configFile: string | null): CalibrateOptions {
  const budget: Budget = {
    offload: bound(argv, 'offload', 1),
    accuracy: bound(argv, 'accuracy', 1),
    energyJ: bound(argv, 'energy', 1e6),
    p95Ms: bound(argv, 'p95', 1e6),
  };
  const all = allOf(argv, budget);
  if (argv['apply'] === true && configFile === null && all === null) {
    throw new EdgemuxError('CONFIG_INVALID', '--apply needs --config: the file that gets the threshold');
  }
  return {
    zooDir: String(argv['zoo']),
    source: sourceOf(argv),
    campaign: optionalText(argv['campaign']),
    budget,
    mode: RANKED_MODES.find((mode) => mode === argv['mode']) ?? null,
    images: imagesFolder(argv),
    limit: argv['limit'] === undefined ? null : whole('limit', argv['limit'], 20, MOST),
    providers: providerList(argv['provider']),
    check: whole('check', argv['check'] ?? 0, 0, MOST),
    seed: whole('seed', argv['seed'] ?? 1, 0, MOST),
    configFile,
    apply: argv['apply'] === true,
    all,
  };
}

/** @throws EdgemuxError CONFIG_INVALID where neither a budget is named nor --all, or both */
function allOf(argv: Record<string, unknown>, budget: Budget): CalibrateOptions['all'] {
  const budgeted = Object.values(budget).some((most) => most !== null);
  if (argv['all'] !== true) {
    if (budgeted) return null;
    throw new EdgemuxError(
      'CONFIG_INVALID',
      'name a budget: --offload, --accuracy, --energy or --p95; or --all for the thresholds of every mode',
    );
  }
  if (budgeted) throw invalid('all', true, 'left out where a budget is given');
  if (argv['mode'] !== undefined) throw invalid('mode', argv['mode'], 'left out where --all is given');
  if (optionalText(argv['journal']) !== null)
    throw invalid('journal', argv['journal'], 'left out where --all is given: nobody labelled its frames');
  const { gap = 0.98, upload } = argv;
  return {
    gapShare: amount('gap', gap, 0, 1),
    upload: upload === undefined ? null : amount('upload', upload, 0, 1e6),
  };
}

function sourceOf(argv: Record<string, unknown>): CalibrateOptions['source'] {
  const [labels, journal] = [optionalText(argv['labels']), optionalText(argv['journal'])];
  const images = imagesFolder(argv);
  if (images !== null && (labels !== null || journal !== null))
    throw invalid('images', images, 'left out where --labels or --journal is given');
  if (labels !== null && journal !== null)
    throw invalid('journal', journal, 'left out where --labels is given');
  if (labels !== null) return { kind: 'labels', file: labels };
  return journal === null ? null : { kind: 'journal', dir: journal };
}

function bound(argv: Record<string, unknown>, flag: string, most: number): number | null {
  return argv[flag] === undefined ? null : amount(flag, argv[flag], 0, most);
}
