import t from 'tap';
import { Counters } from '../../agent/counters.js';
import type { Decider } from '../../agent/frames/decider.js';
import type { Frame } from '../../agent/frames/frame.js';
import { Pipeline } from '../../agent/frames/pipeline.js';
import { EdgemuxError } from '../../common/errors.js';
import { systemClock } from '../../common/clock.js';
import { silentLog } from '../../common/log.js';

const FRAME_BYTES = 400;
/** Room for two, with what a waiting frame takes besides its bytes. */
const MAX_WAITING_BYTES = 8000;

function frame(camera: string, n: number): Frame {
  const meter = { finish: () => Promise.resolve(null) };
  return {
    frameId: `f${n}`,
    camera,
    payload: new Uint8Array(FRAME_BYTES),
    decodeMs: 1,
    costly: false,
    ageMs: 0,
    unreadMs: 0,
    lineMs: 0,
    admittedMs: 0,
    meter,
  } as unknown as Frame;
}

t.test(
  'waiting frames of ever new cameras fill no more memory than is allowed, and each is counted',
  async (t) => {
    const counters = new Counters();
    let give: (error: Error) => void = () => undefined;
    /** A decoder that takes its time: frames wait. */
    const decider = {
      decide: () => new Promise<never>((_, reject) => (give = reject)),
    } as unknown as Decider;
    const pipeline = new Pipeline(
      {
        log: silentLog(),
        clock: systemClock,
        counters,
        decider,
        settle: () => Promise.reject(new Error('never asked')),
        emit: () => Promise.resolve(),
      },
      { depth: 1, maxWaitingBytes: MAX_WAITING_BYTES, maxAgeMs: null, deadlineMs: Infinity },
    );
    for (let n = 0; n < 50; n += 1) pipeline.submit(frame(`camera-${n}`, n));
    t.equal(pipeline.active, 1);
    t.equal(pipeline.waiting, 2, 'two frames are within 8,000 bytes');
    t.same(counters.drops, { 'no-room': 47 });
    t.equal(pipeline.progress.failed, 0, 'the worker is not to blame');

    for (let rounds = 0; rounds < 3; rounds += 1) {
      give(new EdgemuxError('IMAGE_UNDECODABLE', 'as an end'));
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal(pipeline.waiting + pipeline.active, 0);
    for (let n = 0; n < 3; n += 1) pipeline.submit(frame(`camera-${n}`, 100 + n));
    t.equal(pipeline.waiting, 2, 'the room is free again');
    t.same(counters.drops, { 'no-room': 47, undecodable: 3 });
  },
);
