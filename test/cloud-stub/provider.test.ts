/** A server whose first execution provider does not work on this machine. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { cloudConfigSchema } from '../../cloud-stub/config.js';
import { CloudServer } from '../../cloud-stub/server.js';
import { silentLog } from '../../common/log.js';
import { startAedes } from '../support/broker.js';
import { startServer } from '../support/system.js';
import { Asker } from './support/asker.js';
import { writeGroupZoo } from './support/group-zoo.js';

const skip = existsSync('/dev/nvidia0') ? 'CUDA may work here' : false;

t.test('with requireProvider a server without CUDA does not start', { skip }, async (t) => {
  const zoo = await writeGroupZoo(t.testdir());
  const inference = { providers: ['cuda', 'cpu'], requireProvider: true };
  const config = cloudConfigSchema.parse({ server: 's', zoo, inference });
  const server = new CloudServer({ log: silentLog() }, config);
  t.teardown(() => server.stop());
  await t.rejects(server.start(), { code: 'PROVIDER_UNAVAILABLE' });
});

t.test('without it the CPU answers, and the status says so', { skip }, async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const asker = await Asker.connect(t, broker.url, 'd');
  const zoo = await writeGroupZoo(t.testdir());
  await startServer(t, broker.url, 's', { zoo, inference: { providers: ['cuda', 'cpu'] } });
  t.ok(await asker.untilOnline('s'));
  t.equal(asker.live('s')?.provider, 'cpu');
});
