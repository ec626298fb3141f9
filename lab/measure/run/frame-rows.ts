/** From what was played to rows of the campaign. Pure. */
import type { Result } from '../../../protocol/messages.js';
import type { Played } from './player.js';
import type { CampaignFacts } from '../store/facts.js';
import type { FrameRow, SetupRow } from '../store/rows.js';

/** @param startMs monotonic time that the run's times count from */
export function frameRows(
  run: number,
  played: readonly Played[],
  startMs: number,
  work: { zoo: CampaignFacts['zoo']; setup: SetupRow },
): FrameRow[] {
  return played.map(({ image, publishedMs, receivedMs, result }, seq) => ({
    run,
    seq,
    imageIndex: image.imageIndex,
    label: image.label,
    ...(result ? answered(result, image.label) : MISSING),
    ...(result ? flopsOf(result, work) : { deviceFlops: 0, serverFlops: 0 }),
    publishedMs: publishedMs - startMs,
    receivedMs: receivedMs === null ? null : receivedMs - startMs,
    ...stages(result),
    uploadBytes: result?.bytesUp ?? 0,
    downloadBytes: result?.bytesDown ?? 0,
    energyGrossJ: result?.energyJ?.gross ?? null,
    energyNetJ: result?.energyJ?.net ?? null,
    energySimulated: result?.energyJ?.simulated ?? null,
    stagesJ: result?.energyJ?.stages ?? null,
    railsJ: result?.energyJ?.rails ?? null,
  }));
}

type Answer = Pick<
  FrameRow,
  'outcome' | 'predicted' | 'correct' | 'confidence' | 'muxScore' | 'route' | 'reason' | 'models' | 'server'
>;

const MISSING: Answer = {
  outcome: 'missing',
  predicted: null,
  correct: false,
  confidence: null,
  muxScore: null,
  route: null,
  reason: null,
  models: [],
  server: null,
};

function answered(result: Result, label: number): Answer {
  const { classIndex: predicted, confidence, muxScore, route, reason, models } = result;
  return {
    outcome: 'result',
    predicted,
    correct: predicted === label,
    confidence,
    muxScore,
    route,
    reason,
    models,
    server: result.server ?? null,
  };
}

type Stages = Pick<
  FrameRow,
  'totalMs' | 'queueMs' | 'decodeMs' | 'muxMs' | 'localMs' | 'encodeMs' | 'networkMs' | 'cloudMs'
>;

function stages(result: Result | null): Stages {
  const of = (stage: keyof Result['latencyMs']): number | null => result?.latencyMs[stage] ?? null;
  return {
    totalMs: of('total'),
    queueMs: of('queue'),
    decodeMs: of('decode'),
    muxMs: of('mux'),
    localMs: of('local'),
    encodeMs: of('encode'),
    networkMs: of('network'),
    cloudMs: of('cloud'),
  };
}

/** The mux where it was asked, and each model on the side where it ran: on the device it took time there. */
function flopsOf(
  result: Result,
  { zoo, setup }: { zoo: CampaignFacts['zoo']; setup: SetupRow },
): Pick<FrameRow, 'deviceFlops' | 'serverFlops'> {
  const flops = (ids: readonly string[]): number =>
    ids.reduce((sum, id) => sum + (zoo.models.find((model) => model.id === id)?.flops ?? 0), 0);
  const mux = result.muxScore === null ? 0 : (zoo.muxPairFlops ?? 0);
  if (result.route !== 'cloud') return { deviceFlops: mux + flops(result.models), serverFlops: 0 };
  const onDevice = result.latencyMs.local > 0 ? 1 : 0;
  const groupMux = setup.serverMode === 'largest' ? 0 : (zoo.muxGroupFlops ?? 0);
  return {
    deviceFlops: mux + flops(result.models.slice(0, onDevice)),
    serverFlops: groupMux + flops(result.models.slice(onDevice)),
  };
}
