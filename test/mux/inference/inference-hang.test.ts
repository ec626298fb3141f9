import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { RestartBackoff } from '../../../mux/inference/restart-backoff.js';
import { RunDeadline } from '../../../mux/inference/run-deadline.js';
import { writeTinyZoo } from '../support/tiny-zoo.js';

const program = fileURLToPath(new URL('../support/hang-in-run.js', import.meta.url));

t.test(
  'a worker that hangs in native code is replaced, its jobs are refused, and the program can end',
  async (t) => {
    const { dir } = await writeTinyZoo(t.testdir());
    const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)));
    // ended by exit, not by close: the `sleep` that plays the native call outlives it and holds the pipe
    const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
    const lines = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    t.match(lines, [
      ['INFERENCE_STOPPED', 'INFERENCE_STOPPED'],
      {
        down: true,
        text: /^no inference worker: it died 1 time in a row, last: a run has not come back for 500 ms/,
      },
      'local',
      { down: false, text: /^the inference worker was restarted/ },
      'stopped',
    ]);
    t.equal(signal, 'SIGKILL', 'nothing else ends a process with such a thread');
  },
);

t.test('a crash loop backs off, and a worker that lived long enough ends it', async (t) => {
  const backoff = new RestartBackoff({ firstMs: 100, longestMs: 1000, stableMs: 60_000 });
  t.same(
    [0, 1, 2, 3, 4, 5].map(() => backoff.pauseMs(0, false)),
    [100, 200, 400, 800, 1000, 1000],
  );
  t.equal(backoff.pauseMs(59_999, false), 1000);
  t.equal(backoff.deaths, 7);
  t.equal(backoff.pauseMs(60_000, false), 100);
});

t.test('threads that hang are left behind, but not without end', async (t) => {
  const backoff = new RestartBackoff({ firstMs: 100, longestMs: 1000 });
  t.same(
    [0, 1, 2].map(() => backoff.pauseMs(0, true)),
    [100, 200, 600_000],
  );
});

t.test('each run has the whole time, and no run has none', async (t) => {
  let missed = 0;
  const deadline = new RunDeadline(200, () => (missed += 1));
  const hold = setInterval(() => undefined, 5);
  for (let run = 0; run < 10; run += 1) {
    deadline.restart();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  deadline.stop();
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(missed, 0);
  deadline.restart();
  while (missed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  new RunDeadline(null, () => (missed += 1)).restart();
  await new Promise((resolve) => setTimeout(resolve, 300));
  clearInterval(hold);
  t.equal(missed, 1);
});
