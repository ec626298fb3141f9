/** `npm run train -- --config smoke`, whole: it must end in a zoo that the evaluation and the daemons take as it is. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { runEval } from '../../../lab/eval/command.js';
import { evalOptions } from '../../../lab/eval/options.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { candidates, hasTorch } from '../../../scripts/train/run.js';
import { startAedes } from '../../support/broker.js';
import { jpegOf, Outside, startDevice, startServer } from '../../support/system.js';

const FRAMES = 20;
const LAUNCHER = join(import.meta.dirname, '../../../scripts/train/run.js');
t.setTimeout(1_200_000);

t.test(
  'the smoke experiment ends in a zoo that edgemux eval, a device and a server run',
  { skip: !candidates(process.env).some(hasTorch) && 'no Python with torch' },
  async (t) => {
    const dir = t.testdir();
    const args = [LAUNCHER, '--config', 'smoke', '--out', join(dir, 'run')];
    const trained = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (trained.status !== 0) t.comment(trained.stderr.slice(-4000));
    t.equal(trained.status, 0);

    const zoo = join(dir, 'run', 'zoo');
    const silent = { write: () => true };
    const options = evalOptions({ zoo, out: join(dir, 'eval'), limit: 200, provider: 'cpu' });
    t.equal(await runEval(options, { out: silent, progress: silent }), 0);
    t.ok((await loadZoo(zoo)).manifest.policy.gate, 'its policy has a gate');

    const broker = await startAedes();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'smoke');
    await startServer(t, broker.url, 's1', { zoo });
    await startDevice(t, broker.url, {
      device: 'smoke',
      zoo,
      dataDir: join(dir, 'data'),
      power: { simulate: true },
    });
    t.ok(await outside.untilServed(), 'the device sees the server');
    for (let index = 0; index < FRAMES; index += 1) {
      await outside.publishFrame('cam', await jpegOf(index));
      t.ok(await outside.untilResults(index + 1), `frame ${index} has its result`);
    }
    t.ok(
      outside.results.every(({ route }) => route !== 'fallback'),
      'nothing fell back',
    );
  },
);
