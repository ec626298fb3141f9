import { spawnSync } from 'node:child_process';
import t from 'tap';
import { growthOf } from '../../../scripts/bench/soak/record.js';
import { seededRandom } from '../../../common/random.js';
import { floors, slopePerHour, type ProcessSample } from '../../../scripts/bench/soak/samples.js';
import { slopeWithInterval, verdictOf } from '../../../scripts/bench/soak/slope.js';

const HOUR_MS = 3_600_000;

t.test('the slope is that of the least-squares line, per hour', async (t) => {
  const line = [0, 1, 2, 3].map((n) => ({ atMs: n * 60_000, value: 100 + n }));
  t.ok(Math.abs(slopePerHour(line) - 60) < 1e-9);
  t.ok(Number.isNaN(slopePerHour(line.slice(0, 2))), 'two points say nothing');
});

t.test('the smallest value of each window is what no garbage is in', async (t) => {
  const saw = Array.from({ length: 60 }, (_, n) => ({ atMs: n * 1000, value: 50 + (n % 10) }));
  t.same(
    floors(saw, 20_000).map(({ value }) => value),
    [50, 50, 50],
  );
});

/** Minutes of a process that grows, whose size swings with the faults over some minutes, as real ones do. */
function swinging(minutes: number, mbPerHour: number, swingMb: number, seed: number) {
  const random = seededRandom(seed);
  let swing = 0;
  return Array.from({ length: minutes }, (_, n) => {
    swing = 0.8 * swing + (random() - 0.5) * swingMb;
    return { atMs: n * 60_000, value: 250 + (mbPerHour * n) / 60 + swing };
  });
}

t.test(
  'the interval of a slope covers the truth about as often as it says, though minutes resemble each other',
  async (t) => {
    const covered = Array.from({ length: 100 }, (_, seed) =>
      slopeWithInterval(swinging(120, 3, 10, seed)),
    ).filter(({ low, high }) => low <= 3 && 3 <= high).length;
    t.ok(covered >= 80, `${covered} of 100 intervals cover it`);
    t.ok(covered < 100, 'and they are not so wide that none could miss it');
  },
);

t.test('what grows is told from what swings, and a short run says nothing', async (t) => {
  t.equal(verdictOf(slopeWithInterval(swinging(120, 0, 2, 1))), 'flat');
  t.equal(verdictOf(slopeWithInterval(swinging(120, 20, 2, 1))), 'grows');
  t.equal(verdictOf(slopeWithInterval(swinging(120, 0, 100, 1))), 'not sure', 'a wide interval around none');
  t.match(slopeWithInterval(swinging(15, 20, 2, 1)), { low: NaN, high: NaN, points: 15 });
  t.equal(verdictOf(slopeWithInterval(swinging(15, 20, 2, 1))), 'not sure');
});

t.test('growth is looked at after warm-up only', async (t) => {
  const sample = (minute: number, mb: number, descriptors: number): ProcessSample => ({
    atMs: minute * 60_000,
    rssBytes: mb * 1e6,
    descriptors,
    probe: null,
  });
  const samples = [sample(0, 50, 10), sample(5, 120, 30)];
  for (let minute = 10; minute <= 70; minute += 1) samples.push(sample(minute, 150 + 2 * (minute / 60), 31));
  const growth = growthOf(samples, 10);
  t.ok(Math.abs(growth.slopeMbPerHour - 2) < 1e-6, `${growth.slopeMbPerHour} MB/h`);
  t.same(growth.descriptors, { first: 31, last: 31 });
  t.ok((samples.at(-1)?.atMs ?? 0) > HOUR_MS);
});

t.test('the soak explains itself and refuses impossible options', async (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/scripts/bench/soak/main.js', ...args], { encoding: 'utf8' });
  const help = run('--help');
  t.equal(help.status, 0);
  t.match(help.stdout, /--minutes[\s\S]*--rate[\s\S]*--seed/);
  const refused = run('--minutes', '0');
  t.equal(refused.status, 2);
  t.match(refused.stderr, /--minutes must be/);
});
