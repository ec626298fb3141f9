/** The command line of `edgemux measure`, as plain data. */
import { EdgemuxError } from '../../common/errors.js';
import { SHIPPED_ZOO } from '../../mux/config.js';
import { amount, IMAGES_OPTION, imagesFolder, invalid, optionalText, whole } from '../flags.js';
import { LINK_NAMES, linkProfile } from './link/links.js';
import { SETUPS, type CampaignFacts, type SetupName } from './store/facts.js';

/** What the command line says of a campaign; the rest of its facts is found out. */
export type AskedFacts = Omit<CampaignFacts, 'zoo' | 'notMeasured'>;

export type MeasureOptions = AskedFacts & {
  outDir: string;
  /** Go on with the campaign in `outDir`, with its own options. */
  resume: boolean;
  /** Make a report of it when it is done. */
  report: boolean;
};

export const MEASURE_OPTIONS = {
  setups: {
    type: 'string',
    default: 'mobile-only,cloud-only,hybrid',
    describe: `set-ups with commas, of ${SETUPS.join(', ')}`,
  },
  frames: { type: 'number', default: 1000, describe: 'measured frames a run: the same ones in every run' },
  repeat: { type: 'number', default: 3, describe: 'runs of each set-up, in random order' },
  images: IMAGES_OPTION,
  data: { type: 'string', requiresArg: true, describe: "--images by its former name; zoo: the zoo's own" },
  link: {
    type: 'string',
    default: 'none',
    choices: LINK_NAMES,
    describe: 'link between broker and server; none: as it is',
  },
  uplink: { type: 'number', requiresArg: true, describe: 'Mbit/s to the server, with --link custom' },
  downlink: { type: 'number', requiresArg: true, describe: 'Mbit/s from the server' },
  rtt: { type: 'number', requiresArg: true, describe: 'added round trip time in ms' },
  jitter: { type: 'number', requiresArg: true, describe: 'most additional delay each way in ms' },
  rate: {
    type: 'number',
    requiresArg: true,
    describe: 'frames per second, whatever the device makes of them; else one after the other',
  },
  'warm-up': { type: 'number', default: 50, describe: 'frames before each run that are not measured' },
  idle: { type: 'number', default: 5, describe: 'seconds of idle baseline before and after the runs' },
  bucket: { type: 'number', default: 10, describe: 'ms a step of the power timeline' },
  zoo: {
    type: 'string',
    default: SHIPPED_ZOO,
    defaultDescription: 'models/fashion-mnist',
    describe: 'model zoo folder',
  },
  broker: { type: 'string', requiresArg: true, describe: 'MQTT broker to use instead of one of its own' },
  server: {
    type: 'string',
    requiresArg: true,
    describe: 'name of a server that runs at that broker already, instead of one of its own',
  },
  provider: {
    type: 'string',
    requiresArg: true,
    describe: 'execution providers in order, as for edgemux run',
  },
  'deadline-ms': { type: 'number', requiresArg: true, describe: 'deadline of a frame, as for edgemux run' },
  simulate: { type: 'boolean', default: false, describe: 'simulated rails; everything says so' },
  seed: { type: 'number', default: 1, describe: 'which images, and the order of frames and runs' },
  out: { type: 'string', default: 'campaign', describe: 'folder for campaign.sqlite and raw data' },
  report: {
    type: 'boolean',
    default: false,
    describe: 'then make a report of it, in OUT/report, as edgemux report does',
  },
  resume: {
    type: 'boolean',
    default: false,
    describe: 'go on with the campaign in --out, with its own options',
  },
} as const;

/** Checks a parsed command line. @throws EdgemuxError CONFIG_INVALID naming the flag and its value */
export function measureOptions(argv: Record<string, unknown>, configFile: string | null): MeasureOptions {
  const { uplink, downlink, rtt, jitter } = argv;
  const link = linkProfile(String(argv['link']), { uplink, downlink, rtt, jitter });
  const server = optionalText(argv['server']);
  const broker = optionalText(argv['broker']);
  if (server !== null && broker === null) {
    throw new EdgemuxError('CONFIG_INVALID', '--server needs --broker: the server runs at a broker of yours');
  }
  if (server !== null && link.name !== 'none') {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--link ${link.name} shapes the link of a server that is started here; with --server leave it out`,
    );
  }
  return {
    setups: setupNames(String(argv['setups'])),
    data: imagesFolder(argv) ?? optionalText(argv['data']) ?? 'zoo',
    link,
    configFile,
    frames: whole('frames', argv['frames'], 1, 10_000_000),
    repeats: whole('repeat', argv['repeat'], 1, 10_000),
    warmUpFrames: whole('warm-up', argv['warm-up'], 0, 100_000),
    idleS: amount('idle', argv['idle'], 0.5, 3600),
    bucketMs: amount('bucket', argv['bucket'], 1, 60_000),
    ratePerS: argv['rate'] === undefined ? null : amount('rate', argv['rate'], 0.01, 10_000),
    seed: whole('seed', argv['seed'], 0, 0xffffffff),
    simulate: argv['simulate'] === true,
    start: {
      zooDir: String(argv['zoo']),
      broker,
      server,
      provider: optionalText(argv['provider']),
      deadlineMs:
        argv['deadline-ms'] === undefined ? null : whole('deadline-ms', argv['deadline-ms'], 10, 60_000),
    },
    outDir: String(argv['out']),
    resume: argv['resume'] === true,
    report: argv['report'] === true,
  };
}

/** A result comes within the deadline; so much later it will not come any more. */
const PATIENCE_MS = 10_000;

/** How long to wait for a frame's result. @param deadlineOf the deadline that a configuration says; the flag wins */
export function resultPatienceMs(
  { configFile, start }: Pick<MeasureOptions, 'configFile' | 'start'>,
  deadlineOf: (configFile: string | null) => number,
): number {
  return (start.deadlineMs ?? deadlineOf(configFile)) + PATIENCE_MS;
}

/** The part of options, or of a campaign's facts, that the command line says. */
export function askedFacts(facts: AskedFacts): AskedFacts {
  const { setups, frames, repeats, warmUpFrames, idleS, bucketMs, ratePerS, seed } = facts;
  const { data, link, start, configFile, simulate } = facts;
  return {
    setups,
    frames,
    repeats,
    warmUpFrames,
    idleS,
    bucketMs,
    ratePerS,
    seed,
    data,
    link,
    start,
    configFile,
    simulate,
  };
}

function setupNames(text: string): SetupName[] {
  const names = text.split(',').map((name) => name.trim());
  const found = names.map((name) => {
    const setup = SETUPS.find((one) => one === name);
    if (setup === undefined) throw invalid('setups', name, `some of ${SETUPS.join(', ')}, with commas`);
    return setup;
  });
  return [...new Set(found)];
}
