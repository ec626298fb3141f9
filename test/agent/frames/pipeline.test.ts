import t from 'tap';
import { Counters } from '../../../agent/counters.js';
import type { DecidedFrame, Decider } from '../../../agent/frames/decider.js';
import type { Frame } from '../../../agent/frames/frame.js';
import { Pipeline } from '../../../agent/frames/pipeline.js';
import type { Settled } from '../../../agent/frames/result.js';
import { silentLog } from '../../../common/log.js';

/** A pipeline over decoders that end when they are told to, on a clock of its own. */
function pipelineOf(options: Partial<ConstructorParameters<typeof Pipeline>[1]> = {}) {
  const counters = new Counters();
  const inWork = new Map<string, () => void>();
  const clock = { ms: 0 };
  let frames = 0;
  const decider = {
    decide: ({ camera }: Frame) =>
      new Promise<DecidedFrame>((resolve) => {
        inWork.set(camera, () => {
          inWork.delete(camera);
          resolve({} as DecidedFrame);
        });
      }),
  } as unknown as Decider;
  const pipeline = new Pipeline(
    {
      log: silentLog(),
      clock: { monotonicMs: () => clock.ms, wallMs: () => clock.ms },
      counters,
      decider,
      settle: () => Promise.resolve({ route: 'local' } as Settled),
      emit: () => Promise.resolve(),
    },
    { depth: 3, maxWaitingBytes: 1e9, maxAgeMs: null, deadlineMs: 500, ...options },
  );
  const submit = (camera: string, more: Partial<Frame> = {}): void => {
    const frameId = `${camera}-${(frames += 1)}`;
    const meter = { finish: () => Promise.resolve(null) };
    const payload = new Uint8Array(1);
    const cost = { decodeMs: 1, costly: false };
    const times = { ageMs: 0, unreadMs: 0, lineMs: 0, admittedMs: clock.ms };
    pipeline.submit({ frameId, camera, region: null, payload, meter, ...cost, ...times, ...more } as Frame);
  };
  const end = async (camera: string): Promise<void> => {
    inWork.get(camera)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { pipeline, counters, clock, submit, end, working: () => [...inWork.keys()] };
}

t.test('one costly frame is in work at a time, and the others go beside it', async (t) => {
  const { submit, end, working } = pipelineOf();
  const bomb = { decodeMs: 400, costly: true };
  for (const camera of ['bomb-1', 'bomb-2', 'bomb-3']) submit(camera, bomb);
  t.same(working(), ['bomb-1']);
  submit('door');
  submit('gate');
  t.same(working(), ['bomb-1', 'door', 'gate']);
  await end('door');
  t.same(working(), ['bomb-1', 'gate'], 'a place stays free');
  submit('door');
  t.same(working(), ['bomb-1', 'gate', 'door']);
  await end('bomb-1');
  t.same(working(), ['gate', 'door', 'bomb-2']);
});

t.test(
  'a frame whose deadline passes before it can start is dropped as expired, counted and said',
  async (t) => {
    const { pipeline, counters, clock, submit, end, working } = pipelineOf({ depth: 1 });
    for (const camera of ['first', 'second', 'third']) submit(camera);
    clock.ms = 500;
    t.equal(pipeline.problem, null);
    await end('first');
    t.same(working(), ['second'], 'exactly at its deadline it is started');
    clock.ms = 501;
    await end('second');
    t.same(working(), []);
    t.same(counters.drops, { expired: 1 });
    t.equal(counters.results, 2);
    t.match(pipeline.problem, /offload\.deadlineMs/);
    t.equal(pipeline.progress.failed, 0, 'nothing failed');
    clock.ms = 62_000;
    t.equal(pipeline.problem, null, 'a minute later it is over');
  },
);

t.test(
  'the deadline of a picture that lay here unread ran meanwhile; one that waited on the line is old, and said',
  async (t) => {
    const { pipeline, counters, submit, working } = pipelineOf();
    submit('stopped', { unreadMs: 501, ageMs: 501 });
    t.same(counters.drops, { expired: 1 });
    submit('slow', { lineMs: 50_000, ageMs: 50_000 });
    t.same(working(), ['slow'], 'nothing says that old pictures are of no use');
    t.match(pipeline.problem, /wait 50 s and more on the line/);
    const strict = pipelineOf({ maxAgeMs: 10_000 });
    strict.submit('slow', { lineMs: 50_000, ageMs: 50_000 });
    t.same(strict.counters.drops, { stale: 1 });
  },
);

t.test('what is too old and too late at once is stale', async (t) => {
  const { counters, clock, submit, end } = pipelineOf({ depth: 1, maxAgeMs: 400 });
  submit('first');
  submit('second');
  clock.ms = 600;
  await end('first');
  t.same(counters.drops, { stale: 1 });
});
