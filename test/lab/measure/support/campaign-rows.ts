import type { CampaignFacts, SessionFacts } from '../../../../lab/measure/store/facts.js';
import type { BaselineRow, FrameRow, RailRow } from '../../../../lab/measure/store/rows.js';
import type { CampaignPlan, MeasuredRun } from '../../../../lab/measure/store/writer.js';

/** Rows of a made-up campaign of two runs, for tests of the store and of what is computed from it. */
export function campaignPlan(facts: Partial<CampaignFacts> = {}): CampaignPlan {
  return {
    createdAt: '2026-11-23T09:59:00.000Z',
    facts: { ...campaignFacts(), ...facts },
    setups: [
      { setup: 'hybrid', deviceMode: 'three-tier', serverMode: 'largest' },
      { setup: 'cloud-only', deviceMode: 'cloud-only', serverMode: 'largest' },
    ],
    images: [0, 1].map((imageIndex) => ({
      imageIndex,
      name: `test/${imageIndex}`,
      label: imageIndex,
      bytes: 700,
      sha256: 'a'.repeat(64),
    })),
    runs: [
      { setup: 'hybrid', repeat: 1, position: 1 },
      { setup: 'cloud-only', repeat: 1, position: 2 },
    ],
  };
}

export function campaignFacts(): CampaignFacts {
  return {
    setups: ['hybrid', 'cloud-only'],
    frames: 2,
    repeats: 1,
    warmUpFrames: 1,
    idleS: 1,
    seed: 7,
    data: 'zoo',
    ratePerS: null,
    bucketMs: 10,
    link: {
      name: 'none',
      uplinkMbitS: null,
      downlinkMbitS: null,
      rttMs: 0,
      jitterMs: 0,
      source: 'not shaped',
    },
    start: { zooDir: 'z', broker: null, server: null, provider: null, deadlineMs: null },
    configFile: null,
    simulate: true,
    zoo: {
      name: 'z',
      version: '1',
      hash: 'h',
      labels: ['a', 'b'],
      models: [
        { id: 'small', flops: 1e6, roles: ['local'] },
        { id: 'large', flops: 2e7, roles: ['cloud'] },
      ],
      local: 'small',
      largest: 'large',
      muxPairFlops: 1e5,
      muxGroupFlops: null,
    },
    notMeasured: [{ what: 'energy of the server', why: 'it has no rails' }],
  };
}

export function sessionFacts(): SessionFacts {
  return {
    edgemux: '0.1.0',
    host: { cpu: 'x' },
    broker: 'mqtt://127.0.0.1:1883',
    platform: { powerMode: null, governors: ['performance'], cpuMHz: null, gpuMHz: null, board: null },
    device: { provider: 'cpu', policy: { mode: 'three-tier' }, warnings: [] },
    server: { name: 's', provider: 'cpu', version: '0.1.0', models: ['large'], zooHash: 'h' },
    measuredLink: { rttMs: 1, uplinkMbitS: 100, downlinkMbitS: 90, tries: 5, payloadBytes: 65536 },
  };
}

export function railRow(): RailRow {
  return {
    rail: 'sim_module',
    side: 'device',
    sensor: 'ina226',
    simulated: true,
    within: null,
    counted: true,
    rateHz: 1000.5,
  };
}

export function baselineRow(session: number): BaselineRow {
  return {
    session,
    rail: 'sim_module',
    moment: 'before',
    startedAt: '2026-11-23T10:00:01.000Z',
    coveredMs: 1000,
    meanW: 2.5,
    sdW: 0.1,
    samples: 1000,
  };
}

export function frameRow(run: number, seq: number, other: Partial<FrameRow> = {}): FrameRow {
  return {
    run,
    seq,
    imageIndex: seq,
    label: seq,
    outcome: 'result',
    predicted: seq,
    correct: true,
    confidence: 0.9,
    muxScore: 0.2,
    route: 'local',
    reason: 'easy',
    models: ['small'],
    server: null,
    deviceFlops: 1.1e6,
    serverFlops: 0,
    publishedMs: 10 * seq,
    receivedMs: 10 * seq + 6,
    totalMs: 5,
    queueMs: 0.1,
    decodeMs: 1,
    muxMs: 0.5,
    localMs: 3,
    encodeMs: 0,
    networkMs: 0,
    cloudMs: 0,
    uploadBytes: 0,
    downloadBytes: 0,
    energyGrossJ: 0.02,
    energyNetJ: 0.01,
    energySimulated: true,
    stagesJ: { decode: 0.005, local: 0.015 },
    railsJ: { sim_module: { gross: 0.02, net: 0.01 } },
    ...other,
  };
}

export function measuredRun(run: number, session: number, frames: FrameRow[]): MeasuredRun {
  return {
    run: {
      run,
      session,
      startedAt: '2026-11-23T10:00:05.000Z',
      startMs: 5000,
      durationMs: 20,
      warmUpFrames: 1,
      drops: { superseded: 1 },
    },
    frames,
    power: [0, 10].map((fromMs) => ({
      run,
      rail: 'sim_module',
      fromMs,
      toMs: fromMs + 10,
      coveredMs: 10,
      energyJ: 0.04,
      minW: 3,
      maxW: 5,
      samples: 10,
    })),
    gaps: [{ run, rail: 'sim_module', fromMs: 12, toMs: 13.5 }],
  };
}
