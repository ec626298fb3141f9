/**
 * The zoo `models/cifar10` as the daemon runs it: its golden answers, and, where the data set lies beside the checkout, its accuracy on some of
 * the test pictures, which it does not ship.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { folderImages } from '../../../lab/zoo/labelled.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { goldenVerdict, loadGolden } from '../../../mux/zoo/golden.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { cpuInference } from '../support/zoos.js';

const ARCHIVE = '../shared/data/cifar10.tar.xz';
/** Thirty pictures of each class. */
const SOME = 'test/*/00[0-2]?.jpg';
/** Standard deviations of a share of 300 pictures, by which it may be away from that of all 10,000. */
const DEVIATIONS = 4;

const zoo = await loadZoo(fileURLToPath(new URL('../../../../models/cifar10', import.meta.url)));
const ids = zoo.manifest.models.map(({ id }) => id);
const inference = cpuInference(zoo, { groupMux: true });
t.setTimeout(300_000);
t.before(() => inference.start());
t.teardown(() => inference.stop());

t.test(
  'its golden answers are those of the networks, and the shipped rule decides as the trainer says',
  async (t) => {
    const decisions = new Set((await loadGolden(zoo)).map(({ decision }) => decision));
    t.ok(decisions.has('offload') && decisions.size > 1, `both ways occur: ${[...decisions].join(', ')}`);
    const loaded = {
      models: ids,
      mux: 'pair',
      groupMux: true,
      providers: ['cpu'],
      requireProvider: false,
      threads: 1,
    } as const;
    t.match(await goldenVerdict(zoo, inference, loaded, 'cpu'), { status: 'pass' });
  },
);

t.test('the files hold half-precision weights: all of the zoo is below 6 MB', async (t) => {
  const { models, mux } = zoo.manifest;
  const files = [...models, mux?.pair, mux?.group].filter((entry) => entry !== undefined);
  t.equal(files.length, 5);
  t.ok(files.reduce((sum, { bytes }) => sum + bytes, 0) < 6e6);
});

t.test(
  'on 300 test pictures every network is as accurate as the manifest says, within what so few can show',
  { skip: !existsSync(ARCHIVE) && `no ${ARCHIVE}` },
  async (t) => {
    const dir = t.testdir();
    const tar = spawnSync('tar', ['-xJf', ARCHIVE, '-C', dir, '--wildcards', SOME], { encoding: 'utf8' });
    t.equal(tar.status, 0, tar.stderr);
    const images = await folderImages(zoo, join(dir, 'test'));
    t.equal(images.count, 300);
    const right = new Map(ids.map((id) => [id, 0]));
    for (let i = 0; i < images.count; i += 1) {
      const [pixels] = await images.pixels(i, [zoo.input]);
      for (const id of ids) {
        const { probabilities } = await inference.classify(id, pixels ?? new Uint8Array());
        if (argmax(probabilities) === images.label(i)) right.set(id, (right.get(id) ?? 0) + 1);
      }
    }
    for (const { id, accuracy } of zoo.manifest.models) {
      const said = accuracy ?? NaN;
      const share = (right.get(id) ?? 0) / images.count;
      const far = DEVIATIONS * Math.sqrt((said * (1 - said)) / images.count);
      t.ok(Math.abs(share - said) <= far, `${id}: ${share}, said ${said}`);
    }
  },
);
