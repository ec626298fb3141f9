import { existsSync } from 'node:fs';
import t from 'tap';
import { WorkReader, createBoard } from '../../common/activity.js';
import { seededRandom } from '../../common/random.js';
import { systemClock } from '../../common/clock.js';
import { ImageWork, ProcImageThreads } from '../../energy/image-cpu.js';
import { decodeImage, encodeJpeg } from '../../mux/image/image.js';
import { TestClock } from '../drivers/fakes.js';

/** Threads whose CPU time only the test moves. */
class FakeThreads {
  usedMs: number | null = 0;
  cpuMs(): number | null {
    return this.usedMs;
  }
}

function rig() {
  const board = createBoard();
  const clock = new TestClock(0);
  const threads = new FakeThreads();
  const reader = new WorkReader(board);
  const posted = (): number[] => {
    const amounts: number[] = [];
    for (let item = reader.take(); item; item = reader.take()) amounts.push(item.amount);
    return amounts;
  };
  const sumMs = (): number => posted().reduce((sum, amount) => sum + amount, 0);
  return { clock, threads, images: new ImageWork({ board, clock }, threads), posted, sumMs };
}

t.test(
  'in sum the CPU time that was measured is posted, whatever the wall time and the overlap',
  async (t) => {
    const { clock, threads, images, sumMs } = rig();
    const random = seededRandom(2);
    const ends: (() => void)[] = [];
    let usedMs = 0;
    for (let i = 0; i < 2000; i += 1) {
      ends.push(images.begin(i % 5 === 0 ? 'encode' : 'decode'));
      clock.nowMs += 30 * random();
      const lengthMs = (i % 5 === 0 ? 1 : 3) * (0.5 + random());
      usedMs += lengthMs;
      threads.usedMs = usedMs;
      while (ends.length > (i % 7 === 0 ? 3 : 0)) ends.shift()?.();
    }
    for (const end of ends) end();
    const ratio = sumMs() / usedMs;
    t.ok(Math.abs(ratio - 1) < 0.01, `posted by measured: ${ratio.toFixed(4)}`);
  },
);

t.test('a first image that loads libraries is paid off little by little, within the frames', async (t) => {
  const { clock, threads, images, posted } = rig();
  let totalMs = 0;
  for (let i = 0; i < 400; i += 1) {
    const end = images.begin('decode');
    clock.nowMs += 10;
    totalMs += i === 0 ? 40 : 1;
    threads.usedMs = totalMs;
    end();
  }
  const amounts = posted();
  t.ok(Math.max(...amounts) <= 1.5, 'never much more than usual');
  const sumMs = amounts.reduce((sum, amount) => sum + amount, 0);
  t.ok(Math.abs(sumMs - totalMs) < 2, `${sumMs.toFixed(1)} of ${totalMs} ms`);
});

t.test('four images at once, whose CPU time shows at the end of the first of them', async (t) => {
  const { clock, threads, images, sumMs } = rig();
  for (let i = 0; i < 200; i += 1) {
    const ends = [1, 2, 3, 4].map(() => images.begin('decode'));
    clock.nowMs += 10;
    threads.usedMs = (threads.usedMs ?? 0) + 4;
    for (const end of ends) end();
  }
  const sum = sumMs();
  t.ok(Math.abs(sum / 800 - 1) < 0.02, `${sum.toFixed(1)} of 800 ms`);
});

t.test('what the threads do between images is none of theirs', async (t) => {
  const { threads, images, sumMs } = rig();
  for (let i = 0; i < 100; i += 1) {
    threads.usedMs = (threads.usedMs ?? 0) + 50;
    const end = images.begin('decode');
    threads.usedMs += 2;
    end();
  }
  const sum = sumMs();
  t.ok(Math.abs(sum - 198) < 5, `${sum} ms for 100 times 2 ms, of which the first is only learned from`);
});

t.test('where the threads cannot be read the wall time has to do', async (t) => {
  const { clock, threads, images, sumMs } = rig();
  threads.usedMs = null;
  for (let i = 0; i < 11; i += 1) {
    const end = images.begin('decode');
    clock.nowMs += 5;
    end();
  }
  t.ok(Math.abs(sumMs() - 50) < 5.1);
});

const skip = existsSync('/proc/self/task') ? false : 'no /proc/self/task';
t.test('real images: the threads that decode are found, and those alone', { skip }, async (t) => {
  const threads = new ProcImageThreads(systemClock);
  threads.cpuMs();
  const pixels = Uint8Array.from({ length: 640 * 480 * 3 }, (_, i) => (i * 7919) % 251);
  const shape = { height: 480, width: 640, channels: 3 as const };
  const jpeg = await encodeJpeg(pixels, shape, 90);
  await new Promise((resolve) => setTimeout(resolve, 600));
  threads.cpuMs();
  await decodeImage(jpeg, shape, { maxPixels: 1e6 });
  const beforeMs = threads.cpuMs() ?? NaN;
  const before = process.cpuUsage();
  for (let i = 0; i < 20; i += 1) await decodeImage(jpeg, shape, { maxPixels: 1e6 });
  const usedMs = (threads.cpuMs() ?? NaN) - beforeMs;
  const { user, system } = process.cpuUsage(before);
  const wholeMs = (user + system) / 1e3;
  t.ok(usedMs > 0.3 * wholeMs, `${usedMs.toFixed(1)} of ${wholeMs.toFixed(1)} ms of CPU time of the process`);
  t.ok(usedMs <= 1.05 * wholeMs);
});
