import { createHash } from 'node:crypto';
import t from 'tap';
import type { Message } from '../../protocol/connection/connection.js';
import { Accountant } from './support/accountant.js';
import { balanceOf, isIdle } from './support/balance.js';
import { distinctJpeg } from './support/images.js';
import { decodeImage } from '../../mux/image/image.js';
import { jpegOf, shippedZoo } from '../support/system.js';

const IMAGES = ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text));
const FRAME_IDS = ['01A', '01B', '01C', '01D'];

function message(value: object, retain = false): Message {
  return { topic: 't', payload: Buffer.from(JSON.stringify(value)), retain, qos: 1 };
}

function result(image: number, frameId = FRAME_IDS[image], more: object = {}): Message {
  const imageSha256 = createHash('sha256')
    .update(IMAGES[image] ?? 'never sent')
    .digest('hex');
  const zeros = ['total', 'queue', 'decode', 'mux', 'local', 'encode', 'network', 'cloud'].map((k) => [k, 0]);
  return message({
    device: 'd1',
    camera: 'cam',
    frameId,
    capturedAt: '2026-11-23T10:00:00.123Z',
    zoo: 'z',
    imageSha256,
    route: 'local',
    reason: 'easy',
    label: 'x',
    classIndex: 0,
    confidence: 1,
    top: [],
    muxScore: null,
    threshold: null,
    models: ['m'],
    provider: 'cpu',
    latencyMs: Object.fromEntries(zeros),
    energyJ: null,
    bytesUp: 0,
    bytesDown: 0,
    ...more,
  });
}

interface Counted {
  admitted: number;
  results: number;
  drops?: Record<string, number>;
  givenUp?: Record<string, number>;
}

function state({ admitted, results, drops = {}, givenUp = {} }: Counted, uptimeS = 1, waiting = 0): Message {
  return message({
    device: 'd1',
    version: '0',
    zoo: { name: 'z', version: '1', hash: 'h' },
    provider: 'cpu',
    policy: { mode: 'mux', thresholds: {}, privacy: 'normal' },
    counters: {
      received: admitted,
      refused: {},
      ignoredRetained: 0,
      extraFrames: 0,
      admitted,
      drops,
      results,
      givenUp,
      routes: { mux: 0, local: results, cloud: 0, fallback: 0 },
      lateAnswers: 0,
      badAnswers: 0,
    },
    queue: { waiting, inFlight: 0, offloaded: 0, outbox: 0 },
    servers: [],
    rails: [],
    power: null,
    health: { status: 'ok', warnings: [] },
    uptimeS,
    host: {},
  });
}

/** All images sent, and results for the first `answered` of them. */
function accountantWith(answered: number): Accountant {
  const accountant = new Accountant();
  for (const image of IMAGES) accountant.publish(image);
  for (let image = 0; image < answered; image += 1) accountant.takeResult(result(image));
  return accountant;
}

t.test('results and counted drops balance what was admitted', async (t) => {
  const accountant = accountantWith(3);
  accountant.takeState(state({ admitted: 4, results: 3, drops: { superseded: 1 } }));
  t.match(balanceOf(accountant), { published: 4, admitted: 4, results: 3, lost: 0, uncounted: 0 });
  t.same(accountant.violations, []);
});

t.test('a frame that has neither is lost, also where the device says that it sent a result', async (t) => {
  const accountant = accountantWith(2);
  accountant.takeState(state({ admitted: 4, results: 3, drops: { superseded: 1 } }));
  t.equal(balanceOf(accountant).lost, 1);
  accountant.takeState(state({ admitted: 4, results: 3, drops: { superseded: 1 }, givenUp: { refused: 1 } }));
  t.equal(balanceOf(accountant).lost, 0, 'unless it says that it has given it up');
});

t.test('a frame delivered twice counts once; with other bytes it is a violation', async (t) => {
  const accountant = accountantWith(1);
  accountant.takeResult(result(0));
  t.match(accountant, { redelivered: 1, violations: [] });
  t.equal(balanceOf(accountant).results, 1);
  accountant.takeResult(result(0, FRAME_IDS[0], { label: 'y' }));
  t.match(accountant.violations, [/other bytes/]);
});

t.test('two frame ids for one image, and an image that nobody sent, are violations', async (t) => {
  const accountant = accountantWith(1);
  accountant.takeResult(result(0, '01Z'));
  accountant.takeResult(result(99, '01Y'));
  accountant.takeResult({ ...message({}), payload: Buffer.from('{') });
  t.match(accountant.violations, [/two frame ids/, /nobody sent/, /unreadable/]);
});

t.test(
  'a process that was killed is asked for nothing; its results may come from the next one',
  async (t) => {
    const accountant = accountantWith(1);
    accountant.takeState(state({ admitted: 3, results: 1 }));
    accountant.nextLife('killed');
    accountant.publish(Buffer.from('later'));
    accountant.takeResult(result(1));
    accountant.takeState(state({ admitted: 0, results: 0 }, 0.1));
    const balance = balanceOf(accountant);
    t.match(balance, { admitted: 3, results: 2, lost: 0, uncounted: 2 });
    t.equal(accountant.life.answered, 0);
  },
);

t.test(
  'a device that restarts by itself is noticed; retained states of earlier moments are not taken',
  async (t) => {
    const accountant = accountantWith(0);
    accountant.takeState(state({ admitted: 1, results: 0 }, 50));
    accountant.takeState(message({}, true));
    t.same(accountant.violations, []);
    accountant.takeState(state({ admitted: 0, results: 0 }, 1));
    t.match(accountant.violations, [/restarted/]);
  },
);

t.test('idle is a device with nothing in work whose own counts add up', async (t) => {
  const accountant = accountantWith(0);
  t.notOk(isIdle(accountant.state));
  accountant.takeState(state({ admitted: 2, results: 1 }, 1));
  t.notOk(isIdle(accountant.state));
  accountant.takeState(state({ admitted: 2, results: 2 }, 2, 1));
  t.notOk(isIdle(accountant.state));
  accountant.takeState(state({ admitted: 2, results: 2 }, 3));
  t.ok(isIdle(accountant.state));
});

t.test('a distinct JPEG has other bytes and the same pixels', async (t) => {
  const { zoo } = await shippedZoo();
  const jpeg = await jpegOf(0);
  const distinct = distinctJpeg(jpeg, 'run 1, image 2');
  t.notSame(Buffer.from(distinct), Buffer.from(jpeg));
  const limits = { maxPixels: 1e6 };
  t.same(await decodeImage(distinct, zoo.input, limits), await decodeImage(jpeg, zoo.input, limits));
});
