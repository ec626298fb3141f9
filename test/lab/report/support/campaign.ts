/** A campaign as `edgemux measure` leaves it, written by its own writer; the measurements are made up. */
import { seededRandom } from '../../../../common/random.js';
import type { SetupName } from '../../../../lab/measure/store/facts.js';
import type { FrameRow, PowerRow } from '../../../../lab/measure/store/rows.js';
import { CampaignWriter, type CampaignPlan } from '../../../../lab/measure/store/writer.js';
import type { Zoo } from '../../../../mux/zoo/zoo.js';
import {
  baselineRow,
  campaignFacts,
  frameRow,
  railRow,
  sessionFacts,
} from '../../measure/support/campaign-rows.js';

const SETUPS = ['mobile-only', 'cloud-only', 'hybrid'] as const;
const MODES = { 'mobile-only': 'mobile-only', 'cloud-only': 'cloud-only', hybrid: 'three-tier' } as const;
const BUCKET_MS = 2;

export interface CampaignOptions {
  frames?: number;
  repeats?: number;
  /** Without rails no frame has an energy. */
  rails?: boolean;
  linkName?: string | null;
}

/** Writes a campaign of three set-ups into a folder. */
export function writeCampaign(dir: string, zoo: Zoo, options: CampaignOptions = {}): void {
  const { frames = 40, repeats = 2, rails = true, linkName = null } = options;
  const writer = CampaignWriter.create(dir, plan(zoo, frames, repeats, linkName));
  const session = writer.addSession('2026-11-23T10:00:00.000Z', sessionFacts());
  if (rails) {
    writer.addRails([railRow()]);
    writer.addBaselines([baselineRow(session)]);
  }
  const random = seededRandom(5);
  for (let run = 1; run <= SETUPS.length * repeats; run += 1) {
    const setup = SETUPS[(run - 1) % SETUPS.length] ?? 'hybrid';
    const rows = framesOf(run, setup, frames, random, rails);
    const durationMs = (rows.at(-1)?.receivedMs ?? 0) + 5;
    writer.addRun({
      run: {
        run,
        session,
        startedAt: '2026-11-23T10:00:05.000Z',
        startMs: 5000,
        durationMs,
        warmUpFrames: 5,
        drops: {},
      },
      frames: rows,
      power: rails ? powerOf(run, durationMs, rows) : [],
      gaps: [],
    });
  }
  writer.close();
}

function plan(zoo: Zoo, frames: number, repeats: number, linkName: string | null): CampaignPlan {
  const { models, mux } = zoo.manifest;
  const byRole = (role: 'local' | 'cloud'): string =>
    models.find(({ roles }) => roles.includes(role))?.id ?? '';
  const runs = Array.from({ length: SETUPS.length * repeats }, (_, i) => ({
    setup: SETUPS[i % SETUPS.length] ?? 'hybrid',
    repeat: 1 + Math.floor(i / SETUPS.length),
    position: i + 1,
  }));
  return {
    createdAt: '2026-11-23T09:59:00.000Z',
    facts: {
      ...campaignFacts(),
      setups: [...SETUPS],
      frames,
      repeats,
      bucketMs: BUCKET_MS,
      ...(linkName === null
        ? {}
        : {
            link: {
              name: linkName,
              uplinkMbitS: 9.75,
              downlinkMbitS: 33.88,
              rttMs: 40,
              jitterMs: 5,
              source: 'test',
            },
          }),
      zoo: {
        name: zoo.name,
        version: zoo.version,
        hash: zoo.hash,
        labels: [...zoo.labels],
        models: models.map(({ id, flops, roles }) => ({ id, flops, roles: [...roles] })),
        local: byRole('local'),
        largest: byRole('cloud'),
        muxPairFlops: mux?.pair?.flops ?? null,
        muxGroupFlops: mux?.group?.flops ?? null,
      },
    },
    setups: SETUPS.map((setup) => ({
      setup,
      deviceMode: MODES[setup],
      serverMode: setup === 'mobile-only' ? null : 'largest',
    })),
    images: Array.from({ length: frames }, (_, i) => ({
      imageIndex: i,
      name: `test/${i}`,
      label: i % 10,
      bytes: 700,
      sha256: 'a'.repeat(64),
    })),
    runs,
  };
}

function framesOf(
  run: number,
  setup: SetupName,
  count: number,
  random: () => number,
  rails: boolean,
): FrameRow[] {
  let atMs = 0;
  return Array.from({ length: count }, (_, seq) => {
    const row = frameOf(run, seq, setup, atMs, random);
    atMs = (row.receivedMs ?? atMs) + 0.5;
    return rails
      ? row
      : { ...row, energyGrossJ: null, energyNetJ: null, energySimulated: null, stagesJ: null, railsJ: null };
  });
}

function frameOf(run: number, seq: number, setup: SetupName, atMs: number, random: () => number): FrameRow {
  const hybrid = setup === 'hybrid';
  const cloud = setup === 'cloud-only' || (hybrid && seq % 5 === 2);
  const muxOnly = hybrid && !cloud && seq % 2 === 0;
  const stages = {
    queueMs: 0.1 + 0.1 * random(),
    decodeMs: 0.6 + 0.2 * random(),
    muxMs: hybrid ? 0.4 + 0.1 * random() : 0,
    localMs: muxOnly || setup === 'cloud-only' ? 0 : 1.2 + 0.4 * random(),
    encodeMs: cloud ? 0.2 : 0,
    networkMs: cloud ? 2 + 2 * random() : 0,
    cloudMs: cloud ? 3 + random() : 0,
  };
  const totalMs = Object.values(stages).reduce((sum, ms) => sum + ms, 0.2);
  const busyMs = totalMs - stages.networkMs - stages.cloudMs;
  const gross = busyMs * 4e-3 + (totalMs - busyMs) * 2.5e-3;
  const of = (ms: number): number => ms * 4e-3;
  const network = gross - of(busyMs);
  const stagesJ = { decode: of(stages.decodeMs), mux: of(stages.muxMs), local: of(stages.localMs), network };
  const correct = seq % 17 !== 3 && (cloud || hybrid || seq % 13 !== 5);
  return frameRow(run, seq, {
    ...stages,
    totalMs,
    imageIndex: seq,
    label: seq % 10,
    predicted: correct ? seq % 10 : (seq + 1) % 10,
    correct,
    route: cloud ? 'cloud' : muxOnly ? 'mux' : 'local',
    reason: cloud ? 'unsure' : muxOnly ? 'easy' : 'confident',
    models: cloud ? ['wide-resnet-l'] : muxOnly ? [] : ['mobilenet-s'],
    muxScore: hybrid ? random() : null,
    deviceFlops: (hybrid ? 99144 : 0) + (stages.localMs > 0 ? 970056 : 0),
    serverFlops: cloud ? 22794816 : 0,
    publishedMs: atMs,
    receivedMs: atMs + totalMs + 0.3,
    uploadBytes: cloud ? 700 : 0,
    downloadBytes: cloud ? 250 : 0,
    energyGrossJ: gross,
    energyNetJ: 0.4 * gross,
    stagesJ,
    railsJ: { sim_module: { gross, net: 0.4 * gross } },
  });
}

/** More power while a frame is at work. */
function powerOf(run: number, durationMs: number, frames: readonly FrameRow[]): PowerRow[] {
  return Array.from({ length: Math.floor(durationMs / BUCKET_MS) }, (_, i) => {
    const [fromMs, toMs] = [i * BUCKET_MS, (i + 1) * BUCKET_MS];
    const busy = frames.some(
      ({ publishedMs, receivedMs, localMs }) =>
        publishedMs < toMs && (receivedMs ?? 0) - (localMs ?? 0) > fromMs && (localMs ?? 0) > 0,
    );
    const powerW = busy ? 6 : 3;
    return {
      run,
      rail: 'sim_module',
      fromMs,
      toMs,
      coveredMs: BUCKET_MS,
      energyJ: (powerW * BUCKET_MS) / 1000,
      minW: powerW - 0.2,
      maxW: powerW + 0.2,
      samples: BUCKET_MS,
    };
  });
}
