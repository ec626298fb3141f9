import t from 'tap';
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, OffloadWindow } from '../../../common/flow/window.js';

const RULE = { least: 1, most: 8 };
const never = (): number => 0;

t.test('it starts with the most and stays within its bounds', async (t) => {
  const window = new OffloadWindow(RULE, never);
  t.equal(window.size, 8);
  for (let n = 0; n < 100; n += 1) window.answered();
  t.equal(window.size, 8);
  for (let nowMs = 0; nowMs < 100; nowMs += 1) window.lost(nowMs, nowMs);
  t.equal(window.size, 1);
});

t.test('a timeout halves it, once for all that were in flight together', async (t) => {
  const window = new OffloadWindow(RULE, never);
  for (const sentMs of [10, 20, 30, 40]) window.lost(sentMs, 500);
  t.equal(window.size, 4);
  window.lost(499, 600);
  t.equal(window.size, 4, 'sent before the news was known');
  window.lost(500, 700);
  t.equal(window.size, 2);
  t.equal(window.pauseLeftMs(700), 0, 'a timeout imposes no pause');
});

t.test('a window full of answers makes room for about one more', async (t) => {
  const window = new OffloadWindow({ least: 1, most: 100 }, never);
  window.restart();
  t.equal(window.size, 1);
  for (const size of [2, 3, 4, 5]) {
    let answers = 0;
    for (; window.size < size; answers += 1) window.answered();
    t.ok(answers >= size - 1 && answers <= size, `${answers} answers from ${size - 1} to ${size}`);
  }
});

t.test('a refusal halves it and imposes a pause, which doubles until a server answers', async (t) => {
  const window = new OffloadWindow(RULE, never);
  window.refused(0, 100);
  window.refused(50, 110);
  t.equal(window.size, 4, 'one event');
  t.equal(window.pauseLeftMs(100), FIRST_PAUSE_MS);
  t.equal(window.pauseLeftMs(100 + FIRST_PAUSE_MS), 0);
  window.refused(200, 1000);
  t.equal(window.pauseLeftMs(1000), 2 * FIRST_PAUSE_MS);
  for (let nowMs = 2000; nowMs < 30_000; nowMs += 1000) window.refused(nowMs, nowMs);
  t.equal(window.pauseLeftMs(29_000), LONGEST_PAUSE_MS);
  window.answered();
  window.refused(40_000, 40_000);
  t.equal(window.pauseLeftMs(40_000), FIRST_PAUSE_MS);
});

t.test('chance shortens a pause by half at most', async (t) => {
  const window = new OffloadWindow(RULE, () => 0.999999);
  window.refused(0, 0);
  const leftMs = window.pauseLeftMs(0);
  t.ok(leftMs >= FIRST_PAUSE_MS / 2 && leftMs < FIRST_PAUSE_MS * 0.51);
});

t.test('a restart begins with the least and without a pause', async (t) => {
  const window = new OffloadWindow({ least: 2, most: 8 }, never);
  window.refused(0, 0);
  window.restart();
  t.same([window.size, window.pauseLeftMs(0)], [2, 0]);
});
