import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import type { Benchmark } from '../../../scripts/bench/benchmark.js';
import { chosen } from '../../../scripts/bench/main.js';
import { otherCpus } from '../../../scripts/bench/other-load.js';
import { loadRealShapes } from '../../../scripts/bench/path/path.js';
import { scenes, smallFrames } from '../../../scripts/bench/path/scenes.js';

const ROOT = join(import.meta.dirname, '../../../..');
const MAIN = join(import.meta.dirname, '../../../scripts/bench/main.js');

function bench(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

t.test('--help lists every option and every benchmark, and runs none', async (t) => {
  const { code, out } = bench('--help');
  t.equal(code, 0);
  for (const option of ['--only', '--json', '--runs', '--frames', '--threads', '--depth', '--calm'])
    t.match(out, option);
  t.match(out, /\n {2}path +\S/);
  t.match(out, /\n {2}path-small +\S/);
});

t.test('what cannot be understood is refused with exit code 2, naming what would be', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--only', 'pth'], /no benchmark 'pth', only .*path.*path-small/],
    [['--only', 'path,nothing'], /no benchmark 'nothing'/],
    [['--runs', '4'], /--runs must be a whole number of at least 5, not 4/],
    [['--frames', '0'], /--frames must be a whole number of at least 1, not 0/],
    [['--frames', '1.5'], /--frames/],
    [['--fames', '10'], /Unknown argument: fames/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = bench(...args);
    t.equal(code, 2, args.join(' '));
    t.match(err, message);
  }
});

t.test('benchmarks are chosen by names, by commas or apart, in the order of the table', async (t) => {
  const named = (name: string): Benchmark => ({ name, describe: '', run: () => Promise.reject(new Error()) });
  const known = ['a', 'b', 'c'].map(named);
  const names = (given: string[]): string[] => chosen(given, known).map(({ name }) => name);
  t.same(names([]), ['a', 'b', 'c']);
  t.same(names(['c,a']), ['a', 'c']);
  t.same(names(['b', 'a']), ['a', 'b']);
  t.throws(() => names(['d']), { message: /no benchmark 'd', only a, b, c/ });
});

t.test('missing networks of real size are explained with the command that makes them', async (t) => {
  await t.rejects(loadRealShapes(t.testdir()), { code: 'ZOO_NOT_FOUND', message: /npm run bench:models/ });
});

t.test('frames are the same in every run, of the promised size, and each another one', async (t) => {
  const zoo = await loadZoo(join(ROOT, 'models', 'fashion-mnist'));
  const [first, second] = await scenes(zoo, 2);
  const [again] = await scenes(zoo, 1);
  const bytes = (jpeg: Uint8Array | undefined): string => Buffer.from(jpeg ?? []).toString('hex');
  t.ok(bytes(first) === bytes(again), 'the same');
  t.ok(bytes(first) !== bytes(second), 'another one');
  t.match(await sharp(first).metadata(), { format: 'jpeg', width: 1280, height: 720, channels: 3 });
  const small = await smallFrames(zoo, 3);
  t.equal(new Set(small.map(bytes)).size, 3);
  t.match(await sharp(small[0]).metadata(), { format: 'jpeg', width: 28, height: 28 });
});

t.test('the load of others is what all used less what we used', async (t) => {
  t.equal(otherCpus({ all: 10, ours: 4, atMs: 1000 }, { all: 13, ours: 5, atMs: 2000 }), 2);
  t.equal(otherCpus({ all: 10, ours: 4, atMs: 1000 }, { all: 10.5, ours: 5, atMs: 2000 }), 0);
  t.equal(otherCpus(null, { all: 13, ours: 5, atMs: 2000 }), null);
});
