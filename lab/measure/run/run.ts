/** One run: policies, warm-up, the measured phase, and what the rails said in it. */
import { EdgemuxError } from '../../../common/errors.js';
import type { Session } from './rig.js';
import { frameRows } from './frame-rows.js';
import { frameOrder } from '../plan.js';
import { barText, ProgressLine, type Counted } from '../../progress-line.js';
import { buckets, gaps, type Window } from './samples.js';
import type { GapRow, PowerRow, RunRow, SetupRow } from '../store/rows.js';

const POLICY_MS = 30_000;
const SAMPLES_MS = 10_000;

/** Measures one run and writes it. */
export async function measureRun(work: Session, run: RunRow, setup: SetupRow, runs: number): Promise<void> {
  const { options, images, player, rig, writer } = work;
  await setPolicies(work, setup);
  const order = frameOrder(images.rows, run.repeat, options.seed);
  const title = `run ${run.position}/${runs} ${setup.setup}, repeat ${run.repeat}`;
  const bar = (counted: Counted): string => barText(title, counted);
  const play = { ratePerS: options.ratePerS, patienceMs: work.patienceMs };
  await player.play(warmUp(order, options.warmUpFrames), { ...play, onProgress: () => undefined });
  const before = await drops(work);
  const startedAt = new Date().toISOString();
  const startMs = rig.clock.monotonicMs();
  const line = new ProgressLine(process.stdout, rig.clock);
  const onProgress = (done: number): void => line.count(done, order.length, bar);
  const played = await player.play(order, { ...play, onProgress });
  const endMs = Math.max(startMs + 1e-3, ...played.map(({ receivedMs }) => receivedMs ?? 0));
  line.endCount(order.length, order.length, bar);
  const { power, gaps: found } = await powerRows(work, run.run, { fromMs: startMs, toMs: endMs });
  writer.addRun({
    run: {
      run: run.run,
      session: work.session,
      startedAt,
      startMs,
      durationMs: endMs - startMs,
      warmUpFrames: options.warmUpFrames,
      drops: difference(await drops(work), before),
    },
    frames: frameRows(run.run, played, startMs, { zoo: work.zooFacts, setup }),
    power,
    gaps: found,
  });
}

async function setPolicies({ rig }: Session, setup: SetupRow): Promise<void> {
  if (setup.serverMode !== null) await rig.setServerMode(setup.serverMode);
  if (await rig.watcher.setMode(setup.deviceMode, POLICY_MS)) return;
  throw new EdgemuxError('PROGRAM_ENDED', `the device did not take the policy ${setup.deviceMode}`);
}

/** The last frames of the order, so that what is measured first is not what was just played. */
function warmUp<T>(order: readonly T[], count: number): T[] {
  const frames: T[] = [];
  for (let i = 0; i < count; i += 1) frames.push(...order.slice(-1 - (i % order.length)).slice(0, 1));
  return frames;
}

/** Drops as the device counts them in its next state. */
async function drops({ rig }: Session): Promise<Record<string, number>> {
  const known = rig.watcher.state;
  await rig.watcher.until((state) => state !== known, POLICY_MS);
  return { ...rig.watcher.counters().drops };
}

function difference(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  const entries = Object.entries(after).map(([cause, n]): [string, number] => [
    cause,
    n - (before[cause] ?? 0),
  ]);
  return Object.fromEntries(entries.filter(([, n]) => n > 0));
}

async function powerRows(
  { options, rig, rails }: Session,
  run: number,
  window: Window,
): Promise<{ power: PowerRow[]; gaps: GapRow[] }> {
  if (rails.length === 0) return { power: [], gaps: [] };
  await rig.samples.until(window.toMs, SAMPLES_MS);
  const samples = rig.samples.window(window.fromMs, window.toMs);
  rig.samples.forget(window.toMs);
  const of = <T>(rows: (rail: string) => T[]): (T & { run: number; rail: string })[] =>
    rails.flatMap((rail) => rows(rail).map((row) => ({ run, rail, ...row })));
  return {
    power: of((rail) => buckets(samples.get(rail) ?? [], window, options.bucketMs)),
    gaps: of((rail) => gaps(samples.get(rail) ?? [], window)),
  };
}
