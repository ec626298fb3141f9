/** Rounds of the server benchmark: every policy, with and without batching, in blocks by turns on the same images. */
import { EdgemuxError } from '../../../common/errors.js';
import { mean, percentile } from '../../../common/statistics.js';
import type { ServerMode } from '../../../common/policy-names.js';
import type { TestSet } from '../../../lab/zoo/testset.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import type { Answer, ErrorAnswer } from '../../../protocol/messages.js';
import type { Answered, Devices } from './devices.js';
import type { Server } from './programs.js';

/** A server and who asks it. */
export interface Subject {
  server: Server;
  devices: Devices;
}

export interface Subjects {
  zoo: Zoo;
  test: TestSet;
  batched: Subject;
  unbatched: Subject;
}

export interface RoundPlan {
  modes: readonly ServerMode[];
  devices: number;
  requests: number;
}

/** Of one policy in one round. Durations in ms, CPU in ms an answer. */
export interface BlockFigures {
  inferenceCpu: number;
  processCpu: number;
  p50: number;
  p95: number;
  p99: number;
  rate: number;
  flops: number;
  accuracy: number;
  batchSize: number;
}

export type RoundFigures = Record<'batched' | 'unbatched', Map<ServerMode, BlockFigures>>;

/** Answers before the first that counts: compilers, caches and batches fill. */
const WARMUP = 40;

export async function runRound(subjects: Subjects, plan: RoundPlan, round: number): Promise<RoundFigures> {
  const figures: RoundFigures = { batched: new Map(), unbatched: new Map() };
  // no policy always follows the same one
  const turn = round % plan.modes.length;
  for (const mode of [...plan.modes.slice(turn), ...plan.modes.slice(0, turn)]) {
    const order = round % 2 === 0 ? (['batched', 'unbatched'] as const) : (['unbatched', 'batched'] as const);
    for (const kind of order) {
      await subjects[kind].server.setPolicy({ mode });
      figures[kind].set(mode, await block(subjects, subjects[kind], plan, round));
    }
  }
  return figures;
}

async function block(
  { test, zoo }: Subjects,
  { devices, server }: Subject,
  plan: RoundPlan,
  round: number,
): Promise<BlockFigures> {
  const loop = { devices: plan.devices, requests: plan.requests, firstImage: round * plan.requests };
  const before = server.cpuMs();
  const { answered, durationMs } = await devices.closed({ ...loop, warmup: WARMUP });
  const after = server.cpuMs();
  const answers = answered.map(answerOf);
  const served = WARMUP + plan.requests + plan.devices - 1;
  const latenciesMs = answered.map(({ latencyMs }) => latencyMs);
  return {
    inferenceCpu: (after.inference - before.inference) / served,
    processCpu: (after.process - before.process) / served,
    p50: percentile(latenciesMs, 0.5),
    p95: percentile(latenciesMs, 0.95),
    p99: percentile(latenciesMs, 0.99),
    rate: (1000 * plan.requests) / durationMs,
    flops: mean(answers.map((answer) => flopsOf(zoo, answer))),
    accuracy: mean(
      answers.map(({ classIndex }, i) => (classIndex === test.label(answered[i]?.image ?? 0) ? 1 : 0)),
    ),
    batchSize: mean(answers.map(({ batchSize }) => batchSize)),
  };
}

/** @throws EdgemuxError MESSAGE_INVALID for a refusal */
export function answerOf({ payload }: Answered): Answer {
  const answer = JSON.parse(Buffer.from(payload).toString()) as Answer | ErrorAnswer;
  if ('error' in answer)
    throw new EdgemuxError('MESSAGE_INVALID', `the server refused: ${answer.error.message}`);
  return answer;
}

/** Multiply-accumulates of the models that ran, and of the mux where it was asked. */
export function flopsOf(zoo: Zoo, { latencyMs, models }: Pick<Answer, 'latencyMs' | 'models'>): number {
  const mux = latencyMs.mux > 0 ? (zoo.manifest.mux?.group?.flops ?? 0) : 0;
  return models.reduce((sum, id) => sum + zoo.modelById(id).flops, mux);
}
