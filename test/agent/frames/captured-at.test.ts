/** What a camera's own time stamp is read as, and what becomes of pictures that are old by it. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { Counters } from '../../../agent/counters.js';
import { Admission } from '../../../agent/frames/admission.js';
import { parseCapturedAt } from '../../../agent/frames/captured-at.js';
import type { Decider } from '../../../agent/frames/decider.js';
import type { Frame } from '../../../agent/frames/frame.js';
import { Pipeline } from '../../../agent/frames/pipeline.js';
import type { EnergyMeter } from '../../../energy/meter.js';
import { silentLog } from '../../../common/log.js';

const NOW_MS = 1_795_424_000_123;
const NOW = new Date(NOW_MS).toISOString();

t.test('milliseconds, seconds and ISO 8601 with a zone are times', async (t) => {
  for (const [text, ms] of [
    [String(NOW_MS), NOW_MS],
    ['1795424000', 1_795_424_000_000],
    ['1795424000.123', NOW_MS],
    [NOW, NOW_MS],
    ['2026-11-23T10:00:00Z', Date.UTC(2026, 10, 23, 10)],
    ['2026-11-23T10:00:00,5+01:00', Date.UTC(2026, 10, 23, 9, 0, 0, 500)],
    ['2026-11-23T10:00-0130', Date.UTC(2026, 10, 23, 11, 30)],
  ] as const)
    t.equal(parseCapturedAt(text), ms, text);
});

t.test('everything else is none', async (t) => {
  const odd = [
    '',
    ' ',
    'soon',
    'NaN',
    'Infinity',
    '-1',
    '0',
    '1',
    '5',
    '99999999',
    '1e999',
    '0x10',
    '9'.repeat(16),
  ];
  const unzoned = ['2026-11-23', '2026-11-23T10:00:00', '10:00', '2026-13-45T99:00:00Z', '23.11.2026 10:00'];
  for (const text of [...odd, ...unzoned, `${NOW} `, `${NOW_MS}ms`])
    t.equal(parseCapturedAt(text), null, text);
});

/** Admission and a pipeline whose decoder is busy with the first frame until the test says so. */
function device(maxAgeMs: number | null) {
  const now = { ms: 0 };
  const clock = { monotonicMs: () => now.ms, wallMs: () => NOW_MS + now.ms };
  const counters = new Counters();
  const meter = { finish: () => Promise.resolve(null) };
  const energy = { frame: () => meter } as unknown as EnergyMeter;
  let frames = 0;
  const admission = new Admission(
    { log: silentLog(), clock, counters, energy, nextFrameId: () => `f${(frames += 1)}` },
    { maxBytes: 1_000_000, maxPixels: 1_000_000, payloadPath: null, regions: {} },
  );
  const started: string[] = [];
  let release: () => void = () => undefined;
  const decide = ({ camera }: Frame): Promise<never> => {
    started.push(camera);
    return new Promise((_, reject) => (release = () => reject(new Error('decided'))));
  };
  const pipeline = new Pipeline(
    {
      log: silentLog(),
      clock,
      counters,
      decider: { decide } as unknown as Decider,
      settle: () => Promise.reject(new Error('never asked')),
      emit: () => Promise.resolve(),
    },
    { depth: 1, maxWaitingBytes: 1_000_000, maxAgeMs, deadlineMs: Infinity },
  );
  const payload = readFileSync('models/fashion-mnist/samples/sneaker.jpg');
  const publish = (camera: string, capturedAt?: string): void => {
    const properties = capturedAt === undefined ? {} : { userProperties: { 'captured-at': capturedAt } };
    const message = { topic: 'c', payload, retain: false, qos: 0, properties } as const;
    for (const frame of admission.admit(camera, message)) pipeline.submit(frame);
  };
  return { counters, now, pipeline, publish, started, release: () => release() };
}

t.test('a stamp that is none is counted, and the receipt counts', async (t) => {
  const { counters, publish, started } = device(1000);
  publish('a', 'yesterday');
  publish('b');
  t.equal(counters.oddCapturedAt, 1);
  t.same(started, ['a'], 'it is taken as new');
  t.same(counters.drops, {});
});

t.test('a picture that is older than cameras.maxAgeMs is a counted drop and a warning', async (t) => {
  const { counters, now, pipeline, publish, started } = device(1000);
  publish('old', String(NOW_MS - 1001));
  publish('fresh', String(NOW_MS - 999));
  t.same(started, ['fresh']);
  t.same(counters.drops, { stale: 1 });
  t.equal(counters.admitted, 2);
  t.match(pipeline.problem, /cameras\.maxAgeMs/);
  now.ms += 60_001;
  t.equal(pipeline.problem, null, 'a minute later it is history');
});

t.test('so is one that became too old while it waited', async (t) => {
  const { counters, now, publish, release, started } = device(1000);
  publish('first');
  publish('waits', String(NOW_MS - 600));
  publish('unstamped');
  now.ms += 500;
  release();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(started, ['first', 'unstamped']);
  t.equal(counters.drops.stale, 1);
});

t.test('unless it is set, no picture is too old', async (t) => {
  const { counters, publish, started } = device(null);
  publish('a', '1000000000');
  t.same(started, ['a']);
  t.same(counters.drops, {});
});
