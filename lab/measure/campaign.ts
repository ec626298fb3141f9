/** The runs of a campaign, one after the other, each written when it is whole. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EdgemuxError } from '../../common/errors.js';
import { packageVersion } from '../../common/version.js';
import { hostFacts } from '../../common/host/systeminformation.js';
import { platformFacts } from './run/platform.js';
import { Player } from './run/player.js';
import { measureRun } from './run/run.js';
import { meanPower } from './run/samples.js';
import { startRig, type Campaign, type CleanUp, type Rig, type Session } from './run/rig.js';
import { CampaignReader } from './store/reader.js';
import type { RailRow, RunRow, SetupRow } from './store/rows.js';
import type { CampaignWriter } from './store/writer.js';

/** Idle power is looked at from so long after the last work on. */
const SETTLE_MS = 1000;
/** Samples are in the file so long after they were taken, at most. */
const SAMPLES_MS = 10_000;

/** Does what is not done yet. @throws what a program that ended by itself throws */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const reader = new CampaignReader(campaign.options.outDir);
  const setups = new Map(reader.setups().map((row) => [row.setup, row]));
  const runs = reader.runs();
  const session = reader.sessions().length + 1;
  const zooFacts = reader.facts.zoo;
  reader.close();
  const cleanUp: CleanUp = [];
  try {
    await inSession(campaign, session, { setups, runs, zooFacts }, cleanUp);
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
}

async function inSession(
  campaign: Campaign,
  number: number,
  plan: Pick<Session, 'zooFacts'> & { setups: Map<string, SetupRow>; runs: RunRow[] },
  cleanUp: CleanUp,
): Promise<void> {
  const { brokerOf, options, writer } = campaign;
  const rig = await abortable(campaign.signal, startRig(options, brokerOf, number, cleanUp));
  const ended = new AbortController();
  rig.ended.catch((error: unknown) => ended.abort(error));
  const signal = AbortSignal.any([campaign.signal, ended.signal]);
  const player = new Player({ ...rig, signal, bytes: campaign.images.bytes });
  await rig.connection.subscribe(rig.resultFilter, { qos: 1 }, ({ payload }) => player.receive(payload));
  const session = writer.addSession(new Date().toISOString(), await sessionFacts(rig));
  const rails = addRails(rig, writer);
  const work: Session = { ...campaign, signal, rig, session, player, rails, zooFacts: plan.zooFacts };
  await baseline(work, 'before');
  for (const run of plan.runs.filter(({ status }) => status !== 'done')) {
    const setup = plan.setups.get(run.setup);
    if (!setup)
      throw new EdgemuxError('CAMPAIGN_INVALID', `run ${run.run} is of unknown set-up ${run.setup}`);
    await measureRun(work, run, setup, plan.runs.length);
  }
  await baseline(work, 'after');
}

async function sessionFacts(rig: Rig) {
  const { state } = rig.watcher;
  const server = rig.server();
  return {
    edgemux: packageVersion(),
    host: { ...(await hostFacts()) },
    platform: await platformFacts(),
    device: {
      provider: state?.provider ?? 'unknown',
      policy: { ...state?.policy },
      warnings: state?.health.warnings ?? [],
    },
    server: server && {
      name: server.server,
      provider: server.provider,
      version: server.version,
      models: server.models,
      zooHash: server.zooHash,
    },
    measuredLink: rig.measuredLink,
    broker: rig.brokerUrl.replace(/\/\/[^@/]*@/, '//'),
  };
}

function addRails(rig: Rig, writer: CampaignWriter): string[] {
  const rows = (rig.watcher.state?.rails ?? []).map(
    ({ rail, sensor, simulated, within, counted, rateHz }): RailRow => ({
      rail,
      side: 'device',
      sensor,
      simulated,
      within,
      counted,
      rateHz,
    }),
  );
  writer.addRails(rows);
  return rows.map(({ rail }) => rail);
}

/** Measures power with nothing to do, and the rate at which the rails are really sampled. */
async function baseline(
  { options, rig, writer, session, rails, signal }: Session,
  moment: 'before' | 'after',
) {
  if (rails.length === 0) return;
  process.stdout.write(`idle baseline ${moment} the runs: ${options.idleS} s\n`);
  await sleep(SETTLE_MS, undefined, { signal });
  const startedAt = new Date().toISOString();
  const fromMs = rig.clock.monotonicMs();
  await sleep(1e3 * options.idleS, undefined, { signal });
  const toMs = rig.clock.monotonicMs();
  await rig.samples.until(toMs, SAMPLES_MS);
  const samples = rig.samples.window(fromMs, toMs);
  writer.addBaselines(
    rails.flatMap((rail) => {
      const found = meanPower(samples.get(rail) ?? [], { fromMs, toMs });
      return found ? [{ session, rail, moment, startedAt, ...found }] : [];
    }),
  );
}

async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}
