import { SHIPPED_ZOO } from '../../mux/config.js';
import { LINKS } from '../measure/link/links.js';
import { IMAGES_OPTION, imagesFolder, invalid, optionalText, whole } from '../flags.js';

export interface DemoOptions {
  frames: number;
  /** Frames per second over all cameras; null: half of what the machine turned out to hold. */
  ratePerS: number | null;
  cameras: number;
  /** An external broker, or null for the embedded one. */
  broker: string | null;
  zoo: string;
  /** Folder of labelled pictures; null: the zoo's own test images. */
  images: string | null;
  outDir: string;
  seed: number;
  provider: string | null;
  /** Between broker and server. */
  link: DemoLink;
  /** Whether the cameras play on after the set-ups, until Ctrl-C. */
  serve: boolean;
}

export type DemoLink = keyof typeof LINKS;
const DEMO_LINKS = Object.keys(LINKS) as DemoLink[];

/** Command line options of `edgemux demo`. */
export const DEMO_OPTIONS = {
  frames: { type: 'number', default: 1000, describe: 'frames to publish in each of the three setups' },
  rate: {
    type: 'string',
    default: 'auto',
    describe: 'frames per second over all cameras; auto: half of what this machine holds',
  },
  cameras: { type: 'number', default: 4, describe: 'camera streams' },
  broker: { type: 'string', requiresArg: true, describe: 'MQTT broker to use instead of the embedded one' },
  zoo: {
    type: 'string',
    default: SHIPPED_ZOO,
    defaultDescription: 'models/fashion-mnist',
    describe: 'model zoo folder',
  },
  images: IMAGES_OPTION,
  out: {
    type: 'string',
    default: 'demo-out',
    describe: 'folder for summary.json and the logs of device and server',
  },
  seed: { type: 'number', default: 1, describe: 'which test images, in which order' },
  link: {
    type: 'string',
    choices: DEMO_LINKS,
    default: 'wifi',
    describe: 'what lies between device and server; none: this machine alone',
  },
  serve: {
    type: 'boolean',
    default: false,
    describe: 'play on after the set-ups until Ctrl-C, for the page',
  },
  provider: {
    type: 'string',
    requiresArg: true,
    describe: 'execution providers in order, as for edgemux run',
  },
} as const;

/** Checks the parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function demoOptions(argv: Record<string, unknown>): DemoOptions {
  const rate = argv['rate'];
  return {
    frames: whole('frames', argv['frames'], 1, 1_000_000),
    ratePerS: rate === 'auto' ? null : positive('rate', rate),
    cameras: whole('cameras', argv['cameras'], 1, 64),
    broker: optionalText(argv['broker']),
    zoo: String(argv['zoo']),
    images: imagesFolder(argv),
    outDir: String(argv['out']),
    seed: whole('seed', argv['seed'], 0, 0xffffffff),
    provider: optionalText(argv['provider']),
    link: DEMO_LINKS.find((link) => link === argv['link']) ?? 'wifi',
    serve: argv['serve'] === true,
  };
}

function positive(flag: string, text: unknown): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 10_000) return value;
  throw invalid(flag, text, '"auto" or frames per second up to 10000');
}
