/** What a device daemon, started as a program of its own, decides about the golden frames of the shipped zoo. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';
import { encodePng } from '../../mux/image/image.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { Connection } from '../../protocol/connection/connection.js';
import { parseDeviceState, parseResult, type DeviceState, type Result } from '../../protocol/messages.js';

export type Decision = Pick<Result, 'route' | 'reason' | 'label' | 'muxScore' | 'confidence'>;

export interface DecisionsOptions {
  /** Program and arguments before those of `edgemux`. */
  command: readonly string[];
  env?: Record<string, string>;
  brokerUrl: string;
  device: string;
  dataDir: string;
  zooDir: string;
  /** For the daemon to be ready, and then for each frame, in ms. */
  patienceMs: number;
  /** More arguments of `edgemux run`. */
  flags?: readonly string[];
  /** Told what the daemon says on its standard error. */
  said?: (text: string) => void;
}

const goldenSchema = z.object({ images: z.array(z.object({ pixels: z.base64() })).min(1) });

/** The golden frames as a camera would send them without loss. */
async function goldenFrames(zooDir: string): Promise<Uint8Array[]> {
  const zoo = await loadZoo(zooDir);
  const text = await readFile(zoo.path(zoo.manifest.golden?.file ?? ''), 'utf8');
  const { images } = goldenSchema.parse(JSON.parse(text));
  return Promise.all(images.map(({ pixels }) => encodePng(Buffer.from(pixels, 'base64'), zoo.input)));
}

/**
 * Starts `edgemux run`, waits until it sees a server, and gives it one golden frame after the other.
 * @returns the decisions in the frames' order, and the daemon's state at the end
 */
export async function goldenDecisions(
  options: DecisionsOptions,
): Promise<{ decisions: Decision[]; state: DeviceState }> {
  const { brokerUrl, device, patienceMs } = options;
  const frames = await goldenFrames(options.zooDir);
  const outside = new Connection(
    { log: silentLog(), clock: systemClock },
    { url: brokerUrl, clientId: `golden-${device}` },
  );
  const decisions: Decision[] = [];
  const states: DeviceState[] = [];
  outside.start();
  await outside.ready(patienceMs);
  await outside.subscribe(`edgemux/${device}/result/+`, { qos: 1 }, ({ payload }) => {
    const { route, reason, label, muxScore, confidence } = parseResult(payload);
    decisions.push({ route, reason, label, muxScore, confidence });
  });
  await outside.subscribe(`edgemux/${device}/state`, { qos: 1 }, ({ payload }) => {
    states.push(parseDeviceState(payload));
  });
  const daemon = startDaemon(options);
  const wait = async (what: string, holds: () => boolean): Promise<void> => {
    const endMs = systemClock.monotonicMs() + patienceMs;
    while (!holds()) {
      if (daemon.ended()) throw new Error(`the daemon ended before ${what}: ${daemon.said()}`);
      if (systemClock.monotonicMs() > endMs) throw new Error(`${what} never happened: ${daemon.said()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  try {
    await wait(
      'a usable server was seen',
      () => states.at(-1)?.servers.some(({ usable }) => usable) ?? false,
    );
    for (const [i, frame] of frames.entries()) {
      await outside.publish(`cameras/golden/frame`, frame, { qos: 1 });
      await wait(`the result of golden frame ${i}`, () => decisions.length > i);
    }
    const state = states.at(-1);
    if (!state) throw new Error('the daemon published no state');
    return { decisions, state };
  } finally {
    await daemon.stop();
    await outside.stop();
  }
}

interface Daemon {
  ended(): boolean;
  said(): string;
  stop(): Promise<void>;
}

function startDaemon(options: DecisionsOptions): Daemon {
  const [program = process.execPath, ...before] = options.command;
  const { brokerUrl, device, dataDir, zooDir, flags = [] } = options;
  const child = spawn(
    program,
    [
      ...[...before, 'run', '--broker', brokerUrl, '--device', device, '--data-dir', dataDir],
      ...['--zoo', zooDir, '--provider', 'cpu', '--deadline-ms', '60000', '--log-level', 'warn', ...flags],
    ],
    {
      env: { ...process.env, EDGEMUX_REPORT_STATE_INTERVAL_S: '0.2', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  const hear = (chunk: Buffer): void => {
    said = `${said}${String(chunk)}`.slice(-4000);
    options.said?.(String(chunk));
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    ended,
    said: () => said,
    stop: async () => {
      if (!ended()) child.kill('SIGTERM');
      await exit;
    },
  };
}
