/** The server's side of an engine: what it asks of whatever stands behind the interface. */
import t, { type Test } from 'tap';
import { chooseEngine } from '../../cloud-stub/engines/choose.js';
import type {
  CreateEngine,
  Engine,
  EngineBatch,
  EngineDeps,
  EngineFacts,
  EngineOptions,
  EngineOutput,
} from '../../cloud-stub/engines/engine.js';
import { LoadedGroup } from '../../cloud-stub/loaded-group.js';
import { Serving } from '../../cloud-stub/serving.js';
import { systemClock } from '../../common/clock.js';
import { EdgemuxError } from '../../common/errors.js';
import { silentLog } from '../../common/log.js';
import { SERVER_MODES } from '../../common/policy-names.js';
import { inferenceSchema } from '../../mux/config.js';
import { groupPolicyOf } from '../../mux/rules/group-settings.js';
import type { Views } from '../../mux/zoo/views.js';
import { GROUP_MUX_ID } from '../../mux/inference/inference-types.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { loadGroupZoo, offline, tinyImages, writeGroupZoo } from './support/group-zoo.js';

const log = silentLog();
const inference = inferenceSchema.parse({ providers: ['cpu'], threads: 1, warmupRuns: 3 });
const NEVER_MS = Infinity;
const FACTS: EngineFacts = { provider: 'far-away', anyBatchSize: false, warmupMs: {} };

/** An engine somewhere else: it answers a network at a time, when the test lets it. */
class FarEngine implements Engine {
  readonly batches: EngineBatch[] = [];
  stops = 0;
  starting: () => Promise<EngineFacts> = async () => FACTS;
  answering: (batch: EngineBatch) => Promise<EngineOutput | null>;

  constructor(
    readonly deps: EngineDeps,
    readonly options: EngineOptions,
  ) {
    this.answering = async (batch) => output(batch, options.zoo.classes);
  }

  start(): Promise<EngineFacts> {
    return this.starting();
  }

  async stop(): Promise<void> {
    this.stops += 1;
  }

  infer(batch: EngineBatch): Promise<EngineOutput | null> {
    this.batches.push(batch);
    return this.answering(batch);
  }
}

/** Row i is sure of the class that the image's first pixel names. */
function output({ network, pixels, count }: EngineBatch, classes: number): EngineOutput {
  const size = pixels.length / count;
  const probabilities = new Float32Array(count * classes);
  for (let i = 0; i < count; i += 1) probabilities[i * classes + (pixels[i * size] ?? 0)] = 1;
  const shares = new Float32Array(count * 3).fill(1 / 3);
  const mux = network === GROUP_MUX_ID;
  return { probabilities, correct: mux ? shares : null, weights: mux ? shares : null, queueMs: 0, runMs: 2 };
}

async function far(t: Test, sizes: number[] = [1, 2, 4]) {
  const zoo = await loadGroupZoo(await writeGroupZoo(t.testdir()));
  const made: FarEngine[] = [];
  const createEngine: CreateEngine = (deps, options) => {
    const engine = new FarEngine(deps, options);
    made.push(engine);
    return engine;
  };
  const ran: [string, number, number][] = [];
  const group = new LoadedGroup(
    { log, clock: systemClock, onBatch: (...run) => ran.push(run), createEngine },
    { zoo, inference, batching: { sizes, delayMs: 0 } },
  );
  const engine = made[0]!;
  return { zoo, group, engine, ran, createEngine, made };
}

const pixels = (first: number) => Uint8Array.of(first, 0, 0, 0);
const image = (first: number): Views => seen(pixels(first));
/** What every network sees of a picture that needs no preparing. */
const seen = (pixels: Uint8Array): Views => ({ as: async () => pixels, spentMs: 0 });

t.test('an engine is told what to run, and its facts are the server’s', async (t) => {
  const { group, engine, zoo } = await far(t);
  t.match(engine.options, { zoo, models: ['small', 'fragile', 'big'], inference, batchSizes: [1, 2, 4] });
  t.equal(group.provider, 'none', 'nothing is known before the start');
  await group.start();
  t.equal(group.provider, 'far-away');
  engine.deps.onFacts({ ...FACTS, provider: 'nearer' });
  t.equal(group.provider, 'nearer', 'it came back as something else');
  t.same(group.models, ['small', 'fragile', 'big']);
});

t.test('an engine without a hop for the whole group is asked a network at a time', async (t) => {
  const { group, engine, zoo, ran } = await far(t, [1]);
  await group.start();
  const policy = groupPolicyOf(zoo, { mode: 'ensemble', threshold: 0 });
  const verdict = await group.answer(image(2), policy, 1e12);
  t.match(verdict, { models: ['small', 'fragile', 'big'], muxMs: 2, inferenceMs: 6, batchSize: 1 });
  t.equal(verdict?.probabilities[2], 1);
  t.same(
    engine.batches.map(({ network, count, expiresMs }) => [network, count, expiresMs]),
    [GROUP_MUX_ID, 'small', 'fragile', 'big'].map((network) => [network, 1, 1e12]),
  );
  t.same(
    ran,
    [GROUP_MUX_ID, 'small', 'fragile', 'big'].map((network) => [network, 1, 2]),
  );
});

t.test('what waits for the same network shares a batch; each gets its own row', async (t) => {
  const { group, engine, zoo } = await far(t);
  await group.start();
  const policy = groupPolicyOf(zoo, { mode: 'largest' });
  const expiries = [5e11, 1e12, 6e11, 7e11];
  const verdicts = await Promise.all(expiries.map((ms, i) => group.answer(image(i % 3), policy, ms)));
  t.same(
    verdicts.map((verdict) => Array.from(verdict?.probabilities ?? []).indexOf(1)),
    [0, 1, 2, 0],
  );
  t.same(
    engine.batches.map(({ network, count, expiresMs }) => [network, count, expiresMs]),
    [['big', 4, 1e12]],
    'as long as any of them is waited for',
  );
  t.equal(verdicts[0]?.batchSize, 4);
});

t.test(
  'sizes that were not warmed up are run only where the engine says that they cost nothing',
  async (t) => {
    const { group, engine, zoo } = await far(t);
    await group.start();
    const policy = groupPolicyOf(zoo, { mode: 'largest' });
    const three = () => Promise.all([0, 1, 2].map((i) => group.answer(image(i), policy, 1e12)));
    await three();
    t.same(
      engine.batches.map(({ count }) => count),
      [2, 1],
    );
    engine.deps.onFacts({ ...FACTS, anyBatchSize: true });
    engine.batches.length = 0;
    await three();
    t.same(
      engine.batches.map(({ count }) => count),
      [3],
    );
  },
);

t.test('an engine that had no time left gives nobody an answer, and no run is counted', async (t) => {
  const { group, engine, zoo, ran } = await far(t);
  await group.start();
  engine.answering = async () => null;
  const policy = groupPolicyOf(zoo, { mode: 'largest' });
  t.equal(await group.answer(image(1), policy, 1e12), null);
  t.equal(await group.answer(image(1), groupPolicyOf(zoo, { mode: 'single' }), 1e12), null, 'of the mux too');
  t.same(
    engine.batches.map(({ network }) => network),
    ['big', GROUP_MUX_ID],
    'and no model after it',
  );
  t.same(ran, []);
  const asked = engine.batches.length;
  t.equal(await group.answer(image(1), policy, 0), null);
  t.equal(engine.batches.length, asked, 'a request whose time is over is not even asked about');
});

t.test('what an engine throws fails the images of that batch, and the next one is answered', async (t) => {
  const { group, engine, zoo } = await far(t);
  await group.start();
  const policy = groupPolicyOf(zoo, { mode: 'largest' });
  engine.answering = () => Promise.reject(new EdgemuxError('INFERENCE_FAILED', 'the line is cut'));
  const both = await Promise.allSettled([0, 1].map((i) => group.answer(image(i), policy, 1e12)));
  for (const one of both) t.match(one, { status: 'rejected', reason: { code: 'INFERENCE_FAILED' } });
  engine.answering = async (batch) => output(batch, zoo.classes);
  t.equal((await group.answer(image(2), policy, 1e12))?.probabilities[2], 1);
});

t.test('a group that is in use is retired after its last answer', async (t) => {
  const { group, engine } = await far(t);
  await group.start();
  let finish = (): void => undefined;
  const using = group.use(() => new Promise<void>((resolve) => (finish = resolve)));
  const retiring = group.retire();
  await new Promise(setImmediate);
  t.equal(engine.stops, 0);
  finish();
  await Promise.all([using, retiring]);
  t.equal(engine.stops, 1);
});

t.test('an engine that does not start is released, and the server says why', async (t) => {
  const { zoo, made, createEngine } = await far(t);
  const failing: CreateEngine = (deps, options) => {
    const engine = createEngine(deps, options) as FarEngine;
    engine.starting = () => Promise.reject(new EdgemuxError('PROVIDER_UNAVAILABLE', 'nobody there'));
    return engine;
  };
  const serving = new Serving(
    { log, clock: systemClock, onBatch: () => undefined, createEngine: failing },
    { zoo: zoo.dir, policy: {}, inference, batching: { sizes: [1], delayMs: 0 } },
  );
  await t.rejects(serving.start(), { code: 'PROVIDER_UNAVAILABLE' });
  t.equal(made.at(-1)?.stops, 1);
  t.throws(() => serving.current, { code: 'INFERENCE_STOPPED' });
});

/** Answers of a group with ONNX Runtime, each image alone. */
async function answers(t: Test, zoo: Zoo, images: Uint8Array[], createEngine: CreateEngine) {
  const group = new LoadedGroup(
    { log, clock: systemClock, onBatch: () => undefined, createEngine },
    { zoo, inference, batching: { sizes: [1], delayMs: 0 } },
  );
  t.teardown(() => group.stop());
  await group.start();
  t.equal(group.provider, 'cpu');
  const all = SERVER_MODES.flatMap((mode) =>
    images.map((pixels) => group.answer(seen(pixels.slice()), groupPolicyOf(zoo, { mode }), NEVER_MS)),
  );
  return Promise.all(all);
}

t.test('ONNX Runtime says the same in one hop and a network at a time, as it does offline', async (t) => {
  const zoo = await loadGroupZoo(await writeGroupZoo(t.testdir()));
  const images = (await tinyImages(12)).map(({ pixels }) => pixels);
  const inSteps: CreateEngine = (deps, options) => {
    const engine = chooseEngine(deps, options);
    return {
      start: () => engine.start(),
      stop: () => engine.stop(),
      infer: (batch) => engine.infer(batch),
    };
  };
  const oneHop = await answers(t, zoo, images, chooseEngine);
  const stepwise = await answers(t, zoo, images, inSteps);
  const expected = (await Promise.all(SERVER_MODES.map((mode) => offline(zoo, { mode }, images)))).flat();
  for (const [i, { models, probabilities }] of expected.entries()) {
    for (const verdict of [oneHop[i], stepwise[i]]) {
      t.same(verdict?.models, models);
      const off = Array.from(probabilities, (p, k) => Math.abs(p - (verdict?.probabilities[k] ?? NaN)));
      t.ok(Math.max(...off) < 1e-5, `image ${i}`);
    }
  }
});

t.test('ONNX Runtime tells its facts, and takes nothing any more once it is stopped', async (t) => {
  const zoo = await loadGroupZoo(await writeGroupZoo(t.testdir()));
  const engine = chooseEngine(
    { log, onFacts: () => undefined },
    {
      zoo,
      models: ['small'],
      inference,
      batchSizes: [1, 2],
    },
  );
  const facts = await engine.start();
  t.match(facts, { provider: 'cpu', anyBatchSize: true });
  t.ok((facts.warmupMs['small'] ?? 0) > 0, 'it has run');
  const batch = { network: 'small', pixels: pixels(1), count: 1, expiresMs: NEVER_MS };
  t.match(await engine.infer(batch), { correct: null, weights: null });
  t.equal(batch.pixels.length, 0, 'the buffer is given away, as the interface allows');
  await engine.stop();
  await engine.stop();
  await t.rejects(engine.infer({ ...batch, pixels: pixels(1) }), { code: 'INFERENCE_STOPPED' });
});
