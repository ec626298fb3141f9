/** `server-overload`: three times what the server can do, from many devices: refusals, deadlines and memory. */
import { percentile } from '../../../common/statistics.js';
import type { Answer, ErrorAnswer } from '../../../protocol/messages.js';
import type { Benchmark, BenchOptions } from '../benchmark.js';
import { Releases } from '../child.js';
import { machineFacts, metric, type BenchReport, type Metric } from '../report.js';
import type { Answered } from './devices.js';
import { answerOf, type Subject } from './rounds.js';
import { openBench, openSubject } from './setup.js';

const OVERLOAD = 3;
const DEVICES = 32;
const BUDGET_MS = 250;
const REQUESTS = 3000;
const CLOSED_REQUESTS = 400;
const IMAGES = 500;

export const serverOverload: Benchmark = {
  name: 'server-overload',
  describe: `${OVERLOAD} times the requests that the server can answer: refusals at once, deadlines kept, no memory`,
  run,
};

/** Of one round. Shares of all requests, times in ms, rates in requests/s. */
interface Figures {
  capacity: number;
  offered: number;
  answered: number;
  refused: number;
  unanswered: number;
  /** Share of the answers that were given within the budget, on the server's clock. */
  kept: number;
  answerP99: number;
  refusalP50: number;
  refusalP99: number;
  /** Resident memory in MB after the round. */
  memory: number;
}

async function run({ frames, runs, say, threads }: BenchOptions): Promise<BenchReport> {
  const releases = new Releases();
  try {
    const bench = await openBench(releases, IMAGES);
    const subject = await openSubject(bench, releases, { base: 'bench-overload', threads });
    const rounds: Figures[] = [];
    for (let round = 0; round <= runs; round += 1) {
      const figures = await overloadRound(subject, frames ?? REQUESTS);
      if (round > 0) rounds.push(figures); // the first fills pools and caches
      say(`server-overload ${round}/${runs}: ${JSON.stringify(figures)}`);
    }
    const setup = {
      broker: bench.broker,
      devices: DEVICES,
      budgetMs: BUDGET_MS,
      overload: OVERLOAD,
      threads,
    };
    return {
      name: serverOverload.name,
      machine: await machineFacts(),
      runs: rounds.length,
      metrics: metricsOf(rounds),
      setup,
    };
  } finally {
    await releases.run();
  }
}

async function overloadRound({ devices, server }: Subject, requests: number): Promise<Figures> {
  const closed = { devices: DEVICES, warmup: DEVICES, requests: CLOSED_REQUESTS, firstImage: 0 };
  const { durationMs } = await devices.closed(closed);
  const capacity = (1000 * CLOSED_REQUESTS) / durationMs;
  const plan = { devices: DEVICES, requests, ratePerS: OVERLOAD * capacity, budgetMs: BUDGET_MS };
  const { answered, tookMs, unanswered } = await devices.open(plan);
  const refused = answered.filter(isRefusal);
  const answers = answered.filter((one) => !isRefusal(one));
  const at = (list: readonly Answered[], share: number): number =>
    percentile(
      list.map(({ latencyMs }) => latencyMs),
      share,
    );
  // the budget counts from the server's receipt: before that a request waits in the sockets of a busy machine
  const kept = answers.filter((one) => answerOf(one).latencyMs.residence <= BUDGET_MS).length;
  return {
    capacity,
    offered: (1000 * requests) / tookMs,
    answered: answers.length / requests,
    refused: refused.length / requests,
    unanswered: unanswered / requests,
    kept: kept / answers.length,
    answerP99: at(answers, 0.99),
    refusalP50: at(refused, 0.5),
    refusalP99: at(refused, 0.99),
    memory: server.residentBytes() / 1e6,
  };
}

function isRefusal({ payload }: Answered): boolean {
  return 'error' in (JSON.parse(Buffer.from(payload).toString()) as Answer | ErrorAnswer);
}

function metricsOf(rounds: readonly Figures[]): Metric[] {
  const of = (key: keyof Figures): number[] => rounds.map((round) => round[key]);
  const first = rounds[0]?.memory ?? NaN;
  return [
    metric({
      name: 'offered',
      unit: 'requests/s',
      values: of('offered'),
      baselines: of('capacity'),
      against: 'closed loop',
    }),
    metric({ name: 'answered', unit: 'share', values: of('answered') }),
    metric({ name: 'refused', unit: 'share', values: of('refused') }),
    metric({ name: 'unanswered', unit: 'share', values: of('unanswered') }),
    metric({ name: 'kept', unit: 'share of answers', values: of('kept'), target: { atLeast: 0.99 } }),
    metric({ name: 'answer-p99', unit: 'ms', values: of('answerP99') }),
    metric({ name: 'refusal-p50', unit: 'ms', values: of('refusalP50') }),
    metric({ name: 'refusal-p99', unit: 'ms', values: of('refusalP99') }),
    metric({
      name: 'memory',
      unit: 'MB',
      values: of('memory'),
      baselines: rounds.map(() => first),
      against: 'after the first round',
      target: { atMost: 1.1 },
    }),
  ];
}
