/** `zoo import --probe`: the preparation that a model was trained with is found by its answers. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { seededRandom } from '../../../common/random.js';
import { runImport } from '../../../lab/zoo/import.js';
import { importOptions } from '../../../lab/zoo/import-options.js';
import {
  fittings,
  normalisations,
  preparationFlags,
  ranked,
  type Tried,
} from '../../../lab/zoo/preparations.js';
import { encodePng } from '../../../mux/image/image.js';
import { imported, importArgs, LABELS, SIDE, tinyModel } from './support/tiny.js';

const [IMAGENET = { colour: 'rgb' as const, scale: 255, mean: [], std: [] }] = normalisations('rgb');
const [STRETCH = { fit: 'stretch' as const, share: 1, kernel: 'bilinear' as const }] = fittings();

function tried(scores: number[]): Tried {
  return { normalisation: IMAGENET, fitting: STRETCH, scores, answers: scores };
}

t.test('ties are what pairs of answers cannot tell apart, not what intervals share', (t) => {
  const of = (right: number, count = 300) => Array.from({ length: count }, (_, i) => Number(i < right));
  const [first, close, far] = ranked([tried(of(240)), tried(of(262)), tried(of(260))], true);
  t.match(first, { score: 262 / 300, tied: true });
  t.match(close, { score: 260 / 300, tied: true }, 'two pictures of 300');
  t.match(far, { score: 0.8, tied: false }, 'twenty that one gets right and the other never');
  t.end();
});

t.test('every usual preparation is spelt as flags that the import reads', (t) => {
  for (const colour of ['rgb', 'gray'] as const) {
    for (const normalisation of normalisations(colour)) {
      for (const fitting of fittings()) {
        const argv: Record<string, unknown> = {
          model: ['local=a.onnx', 'cloud=b.onnx'],
          labels: 'l',
          name: 'n',
          out: 'o',
        };
        for (const [, flag = '', value] of preparationFlags('local', { normalisation, fitting }).matchAll(
          /--(\S+) (\S+)/g,
        ))
          argv[flag] = flag === 'mean' || flag === 'std' ? [value, '0.5'] : [value];
        const [local] = importOptions(argv).models;
        t.same(local?.normalisation, normalisation);
        t.same(local?.fitting, fitting);
      }
    }
  }
  t.end();
});

/** Class k is the brightest channel; a model that sees RGB as BGR takes red for blue. */
async function channelPictures(t: Test): Promise<string> {
  const dir = join(t.testdirName, 'pictures');
  const random = seededRandom(3);
  for (const [k, name] of LABELS.entries()) {
    await mkdir(join(dir, name), { recursive: true });
    for (let i = 0; i < 15; i += 1) {
      const pixels = Uint8Array.from(
        { length: SIDE * SIDE * 3 },
        (_, p) => (p % 3 === k ? 190 : 60) + 40 * random(),
      );
      await writeFile(
        join(dir, name, `${i}.png`),
        await encodePng(pixels, { height: SIDE, width: SIDE, channels: 3 }),
      );
    }
  }
  return dir;
}

t.test('the order of channels is found, and proposed as what to type; nothing is imported', async (t) => {
  t.testdir();
  const dir = await channelPictures(t);
  // Class k is the mean of channel 2 − k: a network that was trained on BGR.
  const weights = Array.from({ length: SIDE * SIDE * 9 }, (_, i) =>
    Number(Math.floor(i / 3) % 3 === 2 - (i % 3)),
  );
  const bgr = tinyModel({ layout: 'nhwc', weights });
  const gemm = bgr.graph?.node?.find(({ opType }) => opType === 'Gemm');
  if (gemm) gemm.input = ['f', 'w'];
  const nothing = { mean: undefined, std: undefined, out: undefined, name: undefined };
  const args = await importArgs(t.testdirName, { local: bgr, cloud: bgr }, { probe: dir, ...nothing });
  let said = '';
  t.equal(await runImport(importOptions(args), { write: (text) => (said += text), wallMs: () => 0 }), 0);
  t.match(said, /local: .*preparations on 45 pictures/);
  t.match(said, /= 100.0 % .*BGR/);
  t.match(said, /type: .*--colour local=bgr/);
  t.notOk(existsSync(join(t.testdirName, 'zoo')));
  const { said: warned } = await imported(
    t,
    { local: bgr, cloud: bgr },
    { calibrate: dir },
    join(t.testdirName, 'in'),
  );
  t.match(warned, /warning: local is right for .* 45 pictures as you prepare them.*--colour local=bgr/);
});

t.test('pictures without classes are ranked by confidence, which is said', async (t) => {
  t.testdir();
  const dir = join(t.testdirName, 'flat');
  await mkdir(dir);
  const random = seededRandom(5);
  for (let i = 0; i < 25; i += 1) {
    const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => 255 * random());
    await writeFile(
      join(dir, `${i}.png`),
      await encodePng(pixels, { height: SIDE, width: SIDE, channels: 3 }),
    );
  }
  const both = { local: tinyModel({ seed: 1 }), cloud: tinyModel({ seed: 2 }) };
  const args = await importArgs(t.testdirName, both, { probe: dir });
  let said = '';
  await runImport(importOptions(args), { write: (text) => (said += text), wallMs: () => 0 });
  t.match(said, /mean confidence, which is no accuracy/);
  t.match(said, /local and cloud, each by its first preparation, agree on \d/);
  t.match(said, /← yours/, 'what was given is among them');
  await t.rejects(runImport(importOptions({ ...args, probe: join(t.testdirName, 'none') })), {
    code: 'CONFIG_INVALID',
  });
});

const CASES = '../shared/cases/models';
const PICTURES = '../shared/data/cifar10.tar.xz';
const missing = [CASES, PICTURES].filter((path) => !existsSync(path));

t.test(
  'real networks on real pictures: what they were trained with is first, other orders and tables are told apart',
  { skip: missing.length > 0 && `no ${missing.join(', ')}` },
  async (t) => {
    const dir = t.testdir();
    const unpacked = spawnSync('tar', ['-xJf', PICTURES, '-C', dir, '--wildcards', 'test/*/00[012]?.jpg']);
    t.equal(unpacked.status, 0, String(unpacked.stderr));
    const files = { small: 'local', large48: 'cloud', eleven: 'group' };
    const argv = {
      model: Object.entries(files).map(([id, role]) => `${id}:${role}=${join(CASES, id)}.onnx`),
      classes: ['eleven=1:'],
      labels: join(CASES, 'cifar-labels.txt'),
      probe: join(dir, 'test'),
    };
    let said = '';
    await runImport(importOptions(argv), { write: (text) => (said += text), wallMs: () => 0 });
    for (const id of Object.keys(files)) {
      const [, rows = ''] = new RegExp(`${id}: .* on 300 pictures\\n.*\\n([^]*?)  type: `).exec(said) ?? [];
      const [first = ''] = rows.split('\n');
      t.match(first, /^ {2}= .*0\.485,0\.456,0\.406\) \/ 0\.229,0\.224,0\.225, RGB/, id);
      const tied = rows.split('\n').filter((row) => row.startsWith('  ='));
      t.notOk(
        tied.some((row) => row.includes('BGR') || row.includes('crop 0.875') || !row.includes('0.485')),
        id,
      );
    }
  },
);
