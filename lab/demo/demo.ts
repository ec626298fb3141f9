import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../common/exit.js';
import { silentLog } from '../../common/log.js';
import { stopSignal } from '../../common/signals.js';
import { demoFrames, type DemoFrame } from './images.js';
import type { DemoOptions } from './options.js';
import { Phase, playAtRate, playClosedLoop } from './phase.js';
import { startRig, type Rig } from './rig.js';
import {
  countRoutes,
  energyMeaning,
  SETUPS,
  summarise,
  summaryTable,
  type DemoSummary,
  type SetupName,
} from './summary.js';

const MODE_MS = 10_000;
/** After the last frame of a phase everything must have its result or drop within this. */
const RESULTS_MS = 10_000;
const WARM_UP_FRAMES = 100;
/** Share of the closed-loop throughput that an automatic rate asks for, and its bounds in frames per second. */
const LOAD = { share: 0.5, least: 4, most: 200 };

/** `edgemux demo`: the whole system on this machine. Returns the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const abort = new AbortController();
  void stopSignal(silentLog()).then(() => {
    abort.abort();
  });
  const cleanUp: (() => Promise<unknown>)[] = [];
  try {
    await mkdir(options.outDir, { recursive: true });
    const rig = await startRig(options, abort.signal, cleanUp);
    const summary = await play(rig);
    await writeFile(join(options.outDir, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    const code = report(options, summary);
    if (options.serve) await playOn(rig, summary);
    return code;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stdout.write('\nstopped\n');
    return 130;
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
}

/** Plays on as the zoo recommends until Ctrl-C, for whoever looks at the page. */
async function playOn(rig: Rig, { ratePerS }: DemoSummary): Promise<void> {
  const { options, signal, watcher, zoo } = rig;
  const { dealt: frames } = await demoFrames(zoo, options);
  await watcher.setMode(zoo.manifest.policy.mode, MODE_MS);
  process.stdout.write('\nthe cameras play on until Ctrl-C\n');
  try {
    while (!signal.aborted) await runPhase(rig, 'hybrid', frames, ratePerS);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function play(rig: Rig): Promise<DemoSummary> {
  const { options, zoo, watcher } = rig;
  const hybridMode = zoo.manifest.policy.mode;
  const modes = { hybrid: hybridMode, 'mobile-only': 'mobile-only', 'cloud-only': 'cloud-only' } as const;
  const { dealt: frames, note } = await demoFrames(zoo, options);
  if (note !== null) process.stdout.write(`note: ${note}\n`);
  const ratePerS = await chooseRate(rig, frames);
  const phases = {} as Record<SetupName, Phase>;
  const drops: Record<string, number> = {};
  for (const setup of SETUPS) {
    await watcher.setMode(modes[setup], MODE_MS);
    const before = { ...watcher.counters().drops };
    phases[setup] = await runPhase(rig, setup, frames, ratePerS);
    if (setup !== 'hybrid') continue;
    for (const [cause, n] of Object.entries(watcher.counters().drops)) {
      if (n > (before[cause] ?? 0)) drops[cause] = n - (before[cause] ?? 0);
    }
  }
  const { hybrid } = phases;
  return {
    frames: hybrid.published,
    results: hybrid.judged.length,
    drops,
    routes: countRoutes(hybrid.judged),
    provider: watcher.state?.provider ?? 'unknown',
    zoo: { name: zoo.name, version: zoo.version, hash: zoo.hash },
    mode: hybridMode,
    cameras: options.cameras,
    ratePerS,
    seed: options.seed,
    link: options.link,
    setups: Object.fromEntries(
      SETUPS.map((setup) => [setup, summarise(zoo, phases[setup].judged)]),
    ) as DemoSummary['setups'],
  };
}

/** The given rate, or half of what the machine holds when every frame goes to the server, which costs most. */
async function chooseRate(rig: Rig, frames: DemoFrame[]): Promise<number> {
  const { options, watcher } = rig;
  await watcher.setMode('cloud-only', MODE_MS);
  const phase = new Phase();
  rig.setPhase(phase);
  const warmUp = Array.from({ length: WARM_UP_FRAMES }, (_, at) => frames[at % frames.length]).flatMap(
    (frame) => frame ?? [],
  );
  const held = await playClosedLoop(rig, phase, warmUp, {
    outstanding: options.cameras,
    patienceMs: RESULTS_MS,
    dropped: () => sumOf(watcher.counters().drops),
  });
  return options.ratePerS ?? Math.min(LOAD.most, Math.max(LOAD.least, Math.round(held * LOAD.share)));
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

async function runPhase(rig: Rig, setup: SetupName, frames: DemoFrame[], ratePerS: number): Promise<Phase> {
  const phase = new Phase();
  const ended = (): number => {
    const { results, drops } = rig.watcher.counters();
    return results + sumOf(drops);
  };
  const endedBefore = ended();
  rig.setPhase(phase);
  rig.live.start(setup, phase, frames.length);
  try {
    await playAtRate(rig, phase, frames, ratePerS);
    await rig.watcher.until(() => ended() - endedBefore >= frames.length, RESULTS_MS);
  } finally {
    rig.live.stop();
  }
  return phase;
}

/** Nothing where nothing measured. */
function meaning(summary: DemoSummary): string[] {
  const sentence = energyMeaning(summary);
  return sentence === null ? [] : [sentence, ''];
}

function report(options: DemoOptions, summary: DemoSummary): number {
  const dropped = Object.values(summary.drops).reduce((sum, n) => sum + n, 0);
  const routes = Object.entries(summary.routes)
    .map(([route, n]) => `${route} ${n}`)
    .join(', ');
  const lines = [
    '',
    summaryTable(summary),
    '',
    ...meaning(summary),
    `hybrid (${summary.mode}): ${summary.frames} frames published = ${summary.results} results + ${dropped} drops; routes: ${routes}`,
    `execution provider ${summary.provider}, ${summary.ratePerS} frames/s; written to ${join(options.outDir, 'summary.json')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (summary.results + dropped === summary.frames) return EXIT.ok;
  process.stderr.write(
    `error: ${summary.frames - summary.results - dropped} frames have neither a result nor a drop\n`,
  );
  return EXIT.failure;
}
