/** `npm run zoo:imagenet-lite`, as far as it goes without the packages: what it is asked, and what it refuses. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { importOptions } from '../../../lab/zoo/import-options.js';
import { importArguments, recipeOptions } from '../../../scripts/zoo/imagenet-lite.js';
import { candidates, hasTorch } from '../../../scripts/train/run.js';

function recipe(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/scripts/zoo/imagenet-lite.js', ...args],
    {
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}

t.test('every package is pinned by version and sha256', async (t) => {
  const lines = readFileSync('scripts/zoo/wheels.txt', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  t.equal(lines.length, 5);
  for (const line of lines) t.match(line, /^[a-z0-9-]+==\d+\.\d+\.\d+ --hash=sha256:[0-9a-f]{64}$/);
});

t.test("the import's options are those of the guide, each network with its roles", async (t) => {
  const options = recipeOptions(['--with-group', '--out', 'zoo']);
  if (options === 'help') throw new Error('no help was asked for');
  const args = importArguments('onnx', options);
  const argv: Record<string, unknown> = { mean: [], std: [] };
  for (let i = 0; i < args.length; i += 2) {
    const [flag = '', value = ''] = [args[i]?.slice(2), args[i + 1]];
    const several = ['model', 'scale', 'mean', 'std', 'fit', 'share', 'kernel'].includes(flag);
    argv[flag] = several ? [...((argv[flag] as string[] | undefined) ?? []), value] : value;
  }
  const { models, confidence, name } = importOptions(argv);
  t.equal(name, 'imagenet-lite-group');
  t.equal(confidence, 0.5489);
  t.same(
    models.map(({ id, roles }) => [id, roles.join('+')]),
    [
      ['lite0', 'local+group'],
      ['lite1', 'group'],
      ['lite2', 'cloud+group'],
    ],
  );
  for (const { fitting, normalisation } of models) {
    t.same(fitting, { fit: 'crop', share: 0.875, kernel: 'bicubic' });
    t.same(normalisation, { colour: 'rgb', scale: 1, mean: [127], std: [128] });
  }
});

t.test('it says how it is used, and refuses what it does not know or would overwrite', async (t) => {
  const help = recipe('--help');
  t.equal(help.status, 0);
  for (const flag of ['--with-group', '--wheels DIR', '--calibrate DIR', '--force'])
    t.ok(help.stdout.includes(flag), flag);
  const unknown = recipe('--fast');
  t.equal(unknown.status, 1);
  t.match(unknown.stderr, /Unknown option '--fast'/);
  const there = recipe('--out', 'models/imagenet-lite');
  t.equal(there.status, 1);
  t.match(there.stderr, /holds a zoo already: --force replaces it/);
});

t.test(
  'a package with other bytes is refused by name, and so is a missing one; no zoo is made',
  { skip: candidates(process.env).some(hasTorch) ? false : 'no Python with torch' },
  async (t) => {
    const name = 'efficientnet_lite_pytorch-0.1.0-py3-none-any.whl';
    const dir = t.testdir({ empty: {}, other: { [name]: 'not this' } });
    const out = join(dir, 'zoo');
    const missing = recipe('--out', out, '--wheels', join(dir, 'empty'));
    t.equal(missing.status, 1);
    t.match(missing.stderr, /has no wheel of efficientnet-lite-pytorch==0\.1\.0/);
    const other = recipe('--out', out, '--wheels', join(dir, 'other'));
    t.equal(other.status, 1);
    t.match(
      other.stderr,
      /efficientnet_lite_pytorch.*has sha256 [0-9a-f]{64}, but scripts\/zoo\/wheels.txt wants ce0fe869/,
    );
    t.same(readdirSync(dir).sort(), ['empty', 'other']);
  },
);
