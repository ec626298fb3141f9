/** Every policy through a real broker says of each image what it says without a server. */
import t, { type Test } from 'tap';
import type { Answer } from '../../protocol/messages.js';
import { startAedes } from '../support/broker.js';
import { startServer } from '../support/system.js';
import { Asker } from './support/asker.js';
import { loadGroupZoo, offline, tinyImages, writeGroupZoo } from './support/group-zoo.js';

const IMAGES = 60;

for (const sizes of [[1, 2, 4, 8, 16], [1]]) {
  t.test(`every policy answers as it does offline, batches of ${sizes.join()}`, (t) => asOffline(t, sizes));
}

async function asOffline(t: Test, sizes: number[]): Promise<void> {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const dir = await writeGroupZoo(t.testdir());
  const zoo = await loadGroupZoo(dir);
  const images = await tinyImages(IMAGES);
  const asker = await Asker.connect(t, broker.url, 'd');
  await startServer(t, broker.url, 's', { zoo: dir, queue: { maxRequests: IMAGES }, batching: { sizes } });
  t.ok(await asker.untilOnline('s'));
  t.same(asker.live('s')?.models, ['small', 'fragile', 'big']);
  t.match(asker.live('s')?.policy, { mode: 'escalate', mu: 0.2, T: 0.35, confidence: 0.6 }, "the zoo's own");
  const patches = [
    { mode: 'escalate' },
    { mode: 'escalate', combine: false },
    { mode: 'single' },
    { mode: 'single', mu: 0.6 },
    { mode: 'ensemble', T: 0.3 },
    { mode: 'ensemble', T: 1 },
    { mode: 'largest' },
  ] as const;
  for (const patch of patches) {
    const before = asker.policies.length;
    await asker.patch('s', patch);
    t.ok(await asker.until(() => asker.policies.length > before));
    t.match(asker.policies.at(-1), patch);
    const { T, ...rest } = { T: undefined, ...patch };
    const inForce = asker.policies.at(-1) as { mu: number; combine: boolean };
    const expected = await offline(
      zoo,
      { ...rest, mu: inForce.mu, combine: inForce.combine, threshold: T },
      images.map(({ pixels }) => pixels),
    );
    const answers = (await asker.askAll(images.map(({ png }) => png))) as Answer[];
    t.equal(answers.length, IMAGES);
    t.same(
      answers.map(({ models, classIndex }) => ({ models, classIndex })),
      expected.map(({ models, classIndex }) => ({ models, classIndex })),
      JSON.stringify(patch),
    );
    const off = answers.map(({ probabilities }, i) =>
      Math.max(...probabilities.map((p, k) => Math.abs(p - (expected[i]?.probabilities[k] ?? NaN)))),
    );
    t.ok(Math.max(...off) < 1e-6, 'probabilities');
    t.ok(answers.every(({ models, weights }) => Object.keys(weights).every((id) => models.includes(id))));
    const sums = answers.map(({ weights }) => Object.values(weights).reduce((sum, w) => sum + w, 0));
    t.ok(
      sums.every((sum) => Math.abs(sum - 1) < 1e-9),
      'the weights are shares',
    );
  }
}

t.test('a policy is set by the configuration, and a patch that cannot be changes nothing', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'd');
  const zoo = await writeGroupZoo(t.testdir());
  await startServer(t, broker.url, 's', { zoo, policy: { mode: 'ensemble', T: 0.9, mu: 0.5 } });
  t.ok(await asker.untilOnline('s'));
  t.match(asker.live('s')?.policy, { mode: 'ensemble', T: 0.9, mu: 0.5 });
  for (const wrong of [{ mode: 'best' }, { T: 2 }, { thresold: 1 }]) {
    const before = asker.policies.length;
    await asker.patch('s', { mu: 0.7, ...wrong });
    t.ok(await asker.until(() => asker.policies.length > before));
    t.match(asker.policies.at(-1), { error: { code: 'MESSAGE_INVALID' } });
  }
  await asker.patch('s', {});
  t.ok(await asker.until(() => asker.policies.some((policy) => 'mode' in policy && policy.mu === 0.5)));
});

t.test('a zoo without a group serves its largest model and refuses to be asked for more', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'd');
  const { writeTinyZoo } = await import('../mux/support/tiny-zoo.js');
  const { dir } = await writeTinyZoo(t.testdir());
  await t.rejects(startServer(t, broker.url, 'never', { zoo: dir, policy: { mode: 'single' } }), {
    code: 'CONFIG_INVALID',
  });
  await startServer(t, broker.url, 's', { zoo: dir });
  t.ok(await asker.untilOnline('s'));
  await asker.patch('s', { mode: 'single' });
  t.ok(await asker.until(() => asker.policies.some((policy) => 'error' in policy)));
  const [image] = await tinyImages(1);
  const [answer] = await asker.askAll([image!.png]);
  t.match(answer, { models: ['big'], weights: { big: 1 } });
});
