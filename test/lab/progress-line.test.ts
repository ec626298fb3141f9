import t from 'tap';
import { barText, durationText, ProgressLine, remainingText, type Counted } from '../../lab/progress-line.js';

/** A stream that keeps what is written, and a clock that a test sets. */
function fakes(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  return {
    written,
    stream: { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 },
    clock: { monotonicMs: () => nowMs },
    at: (ms: number) => void (nowMs = ms),
  };
}
const text = (counted: Counted): string => remainingText('on cpu', counted);

t.test('in a log each step is written once, in a terminal its line is rewritten and cleared', async (t) => {
  const log = fakes(false);
  const line = new ProgressLine(log.stream, log.clock);
  line.show('small', 0);
  line.show('small', 0.25);
  line.show('large', 0.5);
  line.end();
  t.same(log.written, ['  0 %  small\n', ' 50 %  large\n']);
  const terminal = fakes(true);
  const rewritten = new ProgressLine(terminal.stream, terminal.clock);
  rewritten.show('small', 0);
  rewritten.show('small', 0.25);
  rewritten.end();
  t.same(terminal.written, ['\r\u001b[2K  0 %  small', '\r\u001b[2K 25 %  small', '\r\u001b[2K']);
});

t.test('a count is written at most every two seconds in a log, and once more at its end', async (t) => {
  const { stream, clock, at, written } = fakes(false);
  const line = new ProgressLine(stream, clock);
  at(1000);
  line.count(10, 100, text);
  at(2000);
  line.count(20, 100, text);
  at(3999);
  line.count(39, 100, text);
  at(10_000);
  line.endCount(100, 100, text);
  t.same(written, [
    '20 / 100 images on cpu, 10.0 a second, 8 s left\n',
    '100 / 100 images on cpu, 10.0 a second, 0 s left\n',
  ]);
});

t.test('a bar is as full as the work, and a count of nothing promises no end', async (t) => {
  t.match(
    barText('run 1/9', { done: 6, total: 12, elapsedS: 2 }),
    /^run 1\/9 {2}█{12}░{12} 6\/12 {2}3 frames\/s$/,
  );
  t.equal(remainingText('on cpu', { done: 0, total: 5, elapsedS: 3 }), '0 / 5 images on cpu, 0.0 a second');
});

t.test('a long time is said in minutes and hours', async (t) => {
  t.same([119.2, 120, 3600, 11_000].map(durationText), ['120 s', '2 min', '60 min', '3 h 4 min']);
});
