import type { TimelineSpec } from '../../charts/timeline.js';
import type { CampaignReader } from '../../measure/store/reader.js';
import type { FrameRow, RunRow } from '../../measure/store/rows.js';
import type { Figure } from '../document.js';
import { SIMULATED_RAILS, STAGE_NAMES, stageColour } from '../palette.js';

const FRAME_STAGES = ['queue', 'decode', 'mux', 'local', 'encode', 'network', 'cloud'] as const;
type FrameStage = (typeof FRAME_STAGES)[number];

/** Frames in the window: enough to see a pattern, few enough to see one frame. */
const FRAMES = 24;
/** Order in which a frame goes through the stages; a fallback runs the local model last. */
const FALLBACK: readonly FrameStage[] = ['queue', 'decode', 'mux', 'encode', 'network', 'cloud', 'local'];
const AWAY = new Set<FrameStage>(['network', 'cloud']);

/** Some frames of a set-up's first run on its power; null where there is no power. */
export function timelineFigure(campaign: CampaignReader, setup: string): Figure | null {
  const run = campaign.runs().find((one) => one.setup === setup && one.status === 'done');
  if (!run) return null;
  const frames = windowOf(campaign.frames(run.run));
  const [first] = frames;
  const fromMs = first ? startMs(first) : 0;
  const toMs = Math.max(...frames.map(({ receivedMs }) => receivedMs ?? 0));
  const margin = 0.03 * (toMs - fromMs);
  const originMs = fromMs - margin;
  const rails = railsOf(campaign, run, originMs, toMs + margin);
  if (frames.length === 0 || rails.length === 0) return null;
  const stages = FRAME_STAGES.filter((stage) => frames.some((frame) => (frame[`${stage}Ms`] ?? 0) > 0));
  const simulated = campaign
    .rails()
    .some((rail) => rail.simulated && rails.some(({ name }) => name === rail.rail));
  const chart: TimelineSpec = {
    kind: 'timeline',
    title: `Power and frames: ${setup}`,
    badges: simulated ? [SIMULATED_RAILS] : [],
    x: { name: 'time (ms)', min: 0, max: round(toMs - fromMs + 2 * margin) },
    y: { name: 'power (W)' },
    rails,
    lanes: stages.some((stage) => AWAY.has(stage)) ? ['device', 'away'] : ['device'],
    kinds: stages.map((stage) => ({ name: STAGE_NAMES[stage] ?? stage, colour: stageColour(stage) })),
    spans: frames.flatMap((frame) => spansOf(frame, stages, originMs)),
  };
  return {
    kind: 'figure',
    id: `timeline-${setup}`,
    width: 'full',
    chart,
    caption:
      `${frames.length} frames in a row, from the middle of run ${run.run}. Power: means of ${campaign.facts.bucketMs} ms from every sample. Stages are laid ` +
      'out in their order, back from the receipt of the result.',
  };
}

/** Frames with a result from the middle of the run, with an offload among them where there is one. */
function windowOf(frames: readonly FrameRow[]): FrameRow[] {
  const answered = frames.filter(({ outcome, totalMs }) => outcome === 'result' && totalMs !== null);
  const middle = Math.floor(answered.length / 2);
  const cloud = answered.findIndex(({ route }, at) => route === 'cloud' && at >= middle);
  const centre = cloud >= 0 ? cloud : middle;
  const from = Math.max(0, Math.min(centre - FRAMES / 2, answered.length - FRAMES));
  return answered.slice(from, from + FRAMES);
}

function startMs({ receivedMs, publishedMs, totalMs }: FrameRow): number {
  return Math.max(publishedMs, (receivedMs ?? 0) - (totalMs ?? 0));
}

function spansOf(frame: FrameRow, stages: readonly FrameStage[], originMs: number): TimelineSpec['spans'] {
  const spans: { lane: number; kind: number; from: number; to: number }[] = [];
  let at = startMs(frame) - originMs;
  for (const stage of frame.route === 'fallback' ? FALLBACK : FRAME_STAGES) {
    const ms = frame[`${stage}Ms`] ?? 0;
    if (ms <= 0) continue;
    const lane = AWAY.has(stage) ? 1 : 0;
    spans.push({ lane, kind: stages.indexOf(stage), from: round(at), to: round(at + ms) });
    at += ms;
  }
  return spans;
}

/** Mean power of the buckets in a window, a point at the middle of each, for the rails that count. */
function railsOf(
  campaign: CampaignReader,
  { run }: RunRow,
  fromMs: number,
  toMs: number,
): TimelineSpec['rails'] {
  const counted = campaign.rails().filter(({ side, counted: sums }) => side === 'device' && sums);
  const power = campaign
    .power(run)
    .filter((bucket) => bucket.toMs >= fromMs && bucket.fromMs <= toMs && bucket.coveredMs > 0);
  return counted
    .map(({ rail }) => ({
      name: rail,
      points: power
        .filter((bucket) => bucket.rail === rail)
        .map((bucket): [number, number] => [
          round((bucket.fromMs + bucket.toMs) / 2 - fromMs),
          (1000 * bucket.energyJ) / bucket.coveredMs,
        ]),
    }))
    .filter(({ points }) => points.length > 0);
}

/** To the microsecond. */
function round(ms: number): number {
  return Math.round(1000 * ms) / 1000;
}
