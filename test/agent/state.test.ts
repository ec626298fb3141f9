import t from 'tap';
import { Counters } from '../../agent/counters.js';
import { Balancer } from '../../agent/offload/balancer.js';
import { Servers, zooOf } from '../../agent/offload/servers.js';
import { deviceState, type StateParts } from '../../agent/state.js';
import { silentLog } from '../../common/log.js';
import type { EnergyTotals, RailState } from '../../energy/meter.js';
import { SHIPPED_ZOO } from '../../mux/config.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { parseDeviceState } from '../../protocol/messages.js';
import { serverStatus } from './support/server-status.js';

const zoo = await loadZoo(SHIPPED_ZOO);
const log = silentLog();
const POLICY = { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' } as const;

function rail(name: string, change: Partial<RailState> = {}): RailState {
  return {
    name,
    kind: 'ina226',
    simulated: false,
    within: null,
    counted: true,
    powerW: { mean: 2, min: 1, max: 3 },
    energyJ: 10,
    voltageV: 5,
    currentA: 0.4,
    samples: 100,
    gaps: 0,
    gapMs: 0,
    rateHz: 500,
    clipped: 0,
    problem: null,
    ...change,
  };
}

interface Given {
  rails?: RailState[];
  totals?: Partial<EnergyTotals>;
  energyHealth?: string[];
  hostHealth?: string[];
  zooProblem?: string | null;
  brokerDenies?: string[];
  journal?: { problem: string | null; notice?: string | null; lastStop: string };
  online?: boolean;
  policyWarnings?: string[];
}

/** A device in good order but for what is given; real counters, servers and balancer. */
function parts(given: Given = {}, change: Partial<StateParts> = {}): StateParts {
  const servers = new Servers({ log }, zooOf(zoo));
  if (given.online ?? true) servers.receive('s1', serverStatus(zoo));
  const balancer = new Balancer(
    { log, nowMs: () => 0, random: () => 0, servers, device: 'd1' },
    {
      breaker: { failures: 1, outcomes: 1, probeMs: 10, longestProbeMs: 10 },
      window: { least: 1, most: 4 },
      share: false,
    },
  );
  const totals = {
    energyJ: 20,
    idleW: 1,
    framesMeasured: 1,
    framesBridged: 0,
    framesUnmeasured: 0,
    simulated: false,
  };
  const read = {
    pipeline: { waiting: 2, active: 3, problem: null },
    offloader: { inFlight: 4 },
    outbox: { backlog: 5 },
    journal: { problem: null, notice: null, lastStop: 'clean', ...given.journal },
    energy: {
      rails: () => given.rails ?? [],
      totals: () => ({ ...totals, ...given.totals }),
      health: () => given.energyHealth ?? [],
    },
    host: { facts: { cpu: 'an arm', cores: 6 }, health: () => given.hostHealth ?? [] },
    zooFiles: { problem: given.zooProblem ?? null },
  } as unknown as StateParts;
  return {
    device: 'd1',
    version: '1.2.3',
    zoo,
    ready: {
      provider: 'cuda',
      runtime: '1.22.0',
      attempts: [{ provider: 'cuda', ok: true }],
      warmupMs: {},
      firstRunMs: {},
    },
    policy: POLICY,
    control: { report: () => ({ ...POLICY, source: 'configuration' }), warnings: given.policyWarnings ?? [] },
    counters: new Counters(),
    pipeline: read.pipeline,
    offloader: read.offloader,
    outbox: read.outbox,
    journal: read.journal,
    energy: read.energy,
    host: read.host,
    zooFiles: read.zooFiles,
    httpProblem: null,
    connection: { health: () => given.brokerDenies ?? [], recentHangUps: 0 },
    clockCheck: { problem: null },
    balancer,
    servers,
    stalled: null,
    workerTrouble: null,
    uptimeS: 7,
    ...change,
  };
}

const health = (given: Given, change: Partial<StateParts> = {}) => deviceState(parts(given, change)).health;

t.test('a device in good order says what it is, and the contract can read it', async (t) => {
  const counters = new Counters();
  counters.received = 3;
  counters.admitted = 2;
  counters.refuse('empty');
  counters.drop('superseded');
  counters.result('cloud');
  const state = deviceState(parts({}, { counters }));
  t.match(state, {
    device: 'd1',
    version: '1.2.3',
    zoo: { name: zoo.name, version: zoo.version, hash: zoo.hash },
    provider: 'cuda',
    policy: { mode: 'mux', thresholds: { mux: 0.5 }, privacy: 'normal' },
    counters: {
      received: 3,
      admitted: 2,
      refused: { empty: 1 },
      drops: { superseded: 1 },
      results: 1,
      routes: { cloud: 1, local: 0, mux: 0, fallback: 0 },
    },
    queue: { waiting: 2, inFlight: 3, offloaded: 4, outbox: 5 },
    offload: { breaker: 'closed', window: 4, pauseMs: 0, opened: 0, probes: 0 },
    servers: [{ server: 's1', state: 'online', zooHash: zoo.hash, usable: true }],
    rails: [],
    power: null,
    uptimeS: 7,
    host: { cpu: 'an arm', cores: 6, onnxruntime: '1.22.0' },
  });
  t.same(state.health, { status: 'ok', warnings: [] });
  t.same(parseDeviceState(Buffer.from(JSON.stringify(state))), state);
});

t.test(
  'power is the sum of the rails that are counted, and says where it is simulated; null where one of them is silent',
  async (t) => {
    const rails = [
      rail('in', { powerW: { mean: 5, min: 4, max: 6 } }),
      rail('gpu', { within: 'in', counted: false, powerW: { mean: 3, min: 2, max: 4 } }),
      rail('usb', { powerW: { mean: 1.5, min: 1, max: 2 }, simulated: true }),
      rail('silent', { powerW: null, problem: 'no answer', rateHz: 0, counted: false }),
    ];
    const totals = {
      energyJ: 42,
      simulated: true,
      framesMeasured: 40,
      framesBridged: 3,
      framesUnmeasured: 2,
    };
    const state = deviceState(parts({ rails, totals }));
    t.same(state.power, {
      meanW: 6.5,
      energyJ: 42,
      simulated: true,
      frames: { measured: 40, bridged: 3, unmeasured: 2 },
    });
    t.match(state.rails[1], {
      rail: 'gpu',
      sensor: 'ina226',
      within: 'in',
      health: 'ok',
      rateHz: 500,
      counted: false,
    });
    t.match(state.rails[2], { simulated: true });
    t.match(state.rails[3], { health: 'warning', rateHz: 0, counted: false });
    const power = (...some: Parameters<typeof rail>[]): unknown =>
      deviceState(parts({ rails: some.map((each) => rail(...each)) })).power;
    t.equal(
      power(['in', { powerW: null }], ['gpu', { within: 'in', counted: false }]),
      null,
      'a part is not the whole',
    );
    t.equal(power(['GPU', {}], ['CPU', { powerW: null }]), null, 'nor is a sum that lacks one');
    t.equal(power(['toaster', { counted: false }]), null, 'nor a rail of which nothing is known');
  },
);

t.test('what keeps frames from being answered is a failure', async (t) => {
  t.same(health({}, { stalled: 'no frame for 60 s' }), { status: 'failed', warnings: ['no frame for 60 s'] });
  const down = { down: true, text: 'inference worker died' };
  t.same(health({}, { workerTrouble: down }), { status: 'failed', warnings: ['inference worker died'] });
  const both = health({ hostHealth: ['hot'] }, { stalled: 'stalled', workerTrouble: down });
  t.same(
    both,
    { status: 'failed', warnings: ['stalled', 'inference worker died', 'hot'] },
    'the worst first',
  );
});

t.test('what only makes answers worse is a warning, each in its own words', async (t) => {
  const warns = (given: Given, change: Partial<StateParts>, text: RegExp | string) => {
    const { status, warnings } = health(given, change);
    t.equal(status, 'warning');
    t.equal(warnings.length, 1);
    t.match(warnings[0], text);
  };
  warns({ energyHealth: ['rail in has gaps'] }, {}, 'rail in has gaps');
  warns({ hostHealth: ['the CPU is throttled'] }, {}, 'the CPU is throttled');
  warns({ brokerDenies: ['no right'] }, {}, 'no right');
  warns({ zooProblem: 'restart the device' }, {}, 'restart the device');
  warns({}, { clockCheck: { problem: 'never set' } }, 'never set');
  warns(
    {},
    { connection: { health: () => [], recentHangUps: 4 } },
    /ended our connection 4 times .*another daemon named d1\?/,
  );
  t.equal(
    health({}, { connection: { health: () => [], recentHangUps: 3 } }).status,
    'ok',
    'now and then is none',
  );
  warns({}, { workerTrouble: { down: false, text: 'died twice, runs again' } }, 'died twice, runs again');
  const ready: StateParts['ready'] = {
    ...parts().ready,
    provider: 'cpu',
    attempts: [
      { provider: 'cuda', ok: false, error: 'no driver' },
      { provider: 'cpu', ok: true },
    ],
  };
  warns({}, { ready }, 'execution provider cuda does not work: no driver');
  warns({ online: false }, {}, `no server for zoo ${zoo.name} is online: hard frames fall back`);
  warns({ policyWarnings: ['the threshold mux has no effect'] }, {}, 'the threshold mux has no effect');
  warns({ journal: { problem: 'disk full', lastStop: 'clean' } }, {}, 'disk full');
  warns({ journal: { problem: null, notice: 'files were lost', lastStop: 'clean' } }, {}, 'files were lost');
});

t.test('no server is missed where none is ever asked', async (t) => {
  const policy = parts().policy;
  const ok = { status: 'ok', warnings: [] };
  t.same(health({ online: false }, { policy: { ...policy, privacy: 'strict' } }), ok);
  t.same(health({ online: false }, { policy: { ...policy, mode: 'mobile-only' } }), ok);
  t.equal(health({ online: false }, { policy: { ...policy, mode: 'cloud-only' } }).status, 'warning');
});

t.test('an open breaker is a warning until it closes', async (t) => {
  const device = parts();
  const ask = (verdict: 'broken' | 'answered') => {
    const entry = device.balancer.enter();
    if ('ticket' in entry) device.balancer.leave(entry.ticket, verdict);
  };
  ask('broken');
  t.match(deviceState(device), {
    offload: { breaker: 'open', opened: 1 },
    health: { status: 'warning', warnings: [/^requests to servers keep failing \(s1\)/] },
  });
});

t.test('a run that did not stop is a warning for an hour', async (t) => {
  const journal = { problem: null, lastStop: 'unclean' };
  t.match(health({ journal }, { uptimeS: 3599 }), {
    status: 'warning',
    warnings: [/the last run did not stop/],
  });
  t.same(health({ journal }, { uptimeS: 3600 }), { status: 'ok', warnings: [] });
  t.same(health({ journal: { problem: null, lastStop: 'unknown' } }), { status: 'ok', warnings: [] });
});

t.test('a warning is no longer than the contract carries', async (t) => {
  const [text] = health({ energyHealth: ['x'.repeat(5000)] }).warnings;
  t.equal(text?.length, 1024);
});
