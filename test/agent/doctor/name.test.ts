/** The doctor's word on the device's name, with a real broker, a real daemon and a real lock. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { agentConfigSchema } from '../../../agent/config.js';
import { nameChecks } from '../../../agent/doctor/name.js';
import { twinWarning } from '../../../agent/twins.js';
import type { Verdict } from '../../../common/doctor/checks.js';
import { startAedes } from '../../support/broker.js';
import { jpegOf, Outside, startDevice } from '../../support/system.js';

const HOLDER = fileURLToPath(new URL('../../journal/support/holder.js', import.meta.url));

t.test('a name that is taken elsewhere, taken here, or fought for', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'd1');
  const config = agentConfigSchema.parse({ device: 'd1', dataDir: t.testdir(), broker: { url: broker.url } });
  const word = async (): Promise<Verdict | undefined> => {
    const examiner = await Outside.connect(t, broker.url, 'examiner');
    let said: Verdict | undefined;
    await nameChecks(config).run(examiner.connection, (id, verdict) => {
      if (id === 'name') said = verdict;
    });
    await examiner.connection.stop();
    return said;
  };
  t.match(await word(), { status: 'pass', detail: 'no other d1 is online' });

  const device = await startDevice(t, broker.url, {
    device: 'd1',
    policy: { mode: 'mobile-only' },
    journal: { mode: 'memory' },
  });
  await outside.publishFrame('cam', await jpegOf(0));
  t.ok(await outside.untilResults(1), 'a device with its journal in memory answers too');
  t.match(await word(), { status: 'warn', detail: /no daemon here uses this dataDir/, remedy: /`device`/ });

  const holder = spawn(process.execPath, [HOLDER, config.dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  t.match(await word(), { status: 'pass', detail: `d1 is online: process ${holder.pid} of this machine` });

  await device.stop();
  t.match(
    await word(),
    {
      status: 'warn',
      detail: `process ${holder.pid} uses this dataDir, and no d1 is online`,
      remedy: /`dataDir`/,
    },
    'the folder of another device',
  );
  const { health, ...rest } = outside.state!;
  const warnings = [...health.warnings, twinWarning(9, 'd1') ?? ''];
  const state = JSON.stringify({ ...rest, health: { status: 'warning', warnings } });
  await outside.connection.publish('edgemux/d1/state', state, { qos: 1, retain: true });
  t.match(await word(), { status: 'warn', detail: /ended our connection 9 times .*another daemon named d1/ });
});
