import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { agentConfig } from '../../../agent/config.js';
import { runMeasure } from '../../../lab/measure/command.js';
import { measureOptions, resultPatienceMs } from '../../../lab/measure/options.js';
import { CampaignReader } from '../../../lab/measure/store/reader.js';
import type { CampaignSummary } from '../../../lab/measure/summary/summary-types.js';

const FRAMES = 10;
const OPTIONS = `--frames ${FRAMES} --repeat 1 --warm-up 2 --idle 0.5 --simulate`.split(' ');
const LINK = ['--link', 'custom', '--uplink', '20', '--downlink', '40', '--rtt', '20'];

/** Runs the command; with `until`, Ctrl-C is pressed when that text was printed. */
function measure(args: string[], until?: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['dist/agent/main.js', 'measure', ...args]);
  let output = '';
  let pressed = false;
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
    if (until === undefined || pressed || !output.includes(until)) return;
    pressed = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, output })));
}

const given = {
  setups: 'hybrid',
  frames: 1,
  repeat: 1,
  'warm-up': 0,
  idle: 1,
  bucket: 10,
  seed: 1,
  link: 'none',
};

t.test(
  'a campaign that was stopped goes on, over a shaped link, and its table follows from its rows',
  async (t) => {
    const dir = join(t.testdir(), 'campaign');
    const stopped = await measure([...OPTIONS, ...LINK, '--out', dir], 'run 2/3');
    t.equal(stopped.code, 130, stopped.output);
    t.match(stopped.output, /measure --resume --out/);
    const begun = new CampaignReader(dir);
    const first = begun.runs().filter(({ status }) => status === 'done');
    t.ok(first.length >= 1 && first.length < 3, 'whole runs only');
    begun.close();
    const resumed = await measure(['--resume', '--out', dir]);
    t.equal(resumed.code, 0, resumed.output);
    t.match(resumed.output, /simulated/);
    const reader = new CampaignReader(dir);
    const runs = reader.runs();
    t.ok(runs.every(({ status }) => status === 'done'));
    t.same(
      runs.slice(0, first.length).map(({ startMs }) => startMs),
      first.map(({ startMs }) => startMs),
      'what was done is not done again',
    );
    t.equal(reader.sessions().length, 2);
    for (const { run } of runs) t.equal(reader.frames(run).length, FRAMES);
    const cloud = reader.framesOf('cloud-only').filter(({ route }) => route === 'cloud');
    t.ok(cloud.every(({ networkMs, serverFlops }) => (networkMs ?? 0) >= 19 && serverFlops > 0));
    t.ok(
      reader
        .framesOf('mobile-only')
        .every(({ route, uploadBytes }) => route === 'local' && uploadBytes === 0),
    );
    const link = reader.sessions()[0]?.measuredLink;
    t.ok((link?.rttMs ?? 0) >= 19, 'the link that was measured is the one that was asked for');
    reader.close();

    t.test('the script of the guide recomputes Table I to the last digit', async (t) => {
      const summary = JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')) as CampaignSummary;
      const script = spawnSync(process.execPath, ['docs/recompute-table1.js', dir], { encoding: 'utf8' });
      t.equal(script.status, 0, script.stderr);
      const rows = script.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'));
      for (const [i, row] of summary.tableI.entries()) {
        const { setup, ...figures } = row;
        const known = Object.values(figures).map((figure) => String(figure ?? NaN));
        t.same(rows[i], [setup, ...known], 'to the last digit');
      }
      t.equal(summary.tableI.length, 3);
      t.ok(summary.formulas.some(({ equation, quantity }) => equation === 13 && quantity === 'latencyMs'));
    });
  },
);

t.test('impossible options are refused by name', async (t) => {
  for (const [wrong, message] of [
    [{ setups: 'hybrid,edge' }, /--setups must be .*edge/],
    [{ frames: 0 }, /--frames must be/],
    [{ link: 'custom' }, /--link custom needs --uplink/],
    [{ link: 'wifi', server: 's', broker: 'mqtt://h' }, /--link wifi shapes/],
    [{ server: 's' }, /--server needs --broker/],
  ] as const) {
    t.throws(() => measureOptions({ ...given, ...wrong }, null), { code: 'CONFIG_INVALID', message });
  }
  const dir = join(t.testdir(), 'none');
  const options = { ...measureOptions(given, null), outDir: dir, resume: true };
  const unasked = (): never => {
    throw new Error('nothing is started or reported before the campaign is found');
  };
  await t.rejects(runMeasure(options, { brokerOf: unasked, deadlineOf: unasked, report: unasked }), {
    code: 'CAMPAIGN_INVALID',
    message: /no campaign in/,
  });
  t.notOk(existsSync(dir));
});

t.test('a campaign waits for results as long as the configured deadline says, and then some', async (t) => {
  const file = join(t.testdir(), 'device.yaml');
  writeFileSync(file, 'offload:\n  deadlineMs: 60000\n');
  const deadlineOf = (configured: string | null): number => agentConfig(configured, {}).offload.deadlineMs;
  const patience = (argv: object, config: string | null): number =>
    resultPatienceMs(measureOptions({ ...given, ...argv }, config), deadlineOf);
  t.equal(patience({}, file), 70_000);
  t.equal(patience({}, null), 10_500);
  t.equal(patience({ 'deadline-ms': 2000 }, file), 12_000);
});
