/** What a device keeps over a restart, and takes from its configuration while it runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startProgram } from '../security/programs.js';
import { startAedes } from '../support/broker.js';
import { Outside } from '../support/system.js';
import { until } from '../support/until.js';

const TOPIC = 'edgemux/h1/policy';

interface Said {
  mode: string;
  privacy: string;
  source: string;
}

t.test('privacy: strict set over MQTT survives restart and SIGHUP, which stops nothing', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const outside = await Outside.connect(t, broker.url, 'h1');
  let policy: Said | null = null;
  await outside.connection.subscribe(TOPIC, { qos: 1 }, ({ payload }) => {
    policy = JSON.parse(Buffer.from(payload).toString()) as Said;
  });
  const says = (wanted: Partial<Said>) =>
    until(JSON.stringify(wanted), () =>
      Object.entries(wanted).every(([key, value]) => policy?.[key as keyof Said] === value),
    );
  const config = {
    device: 'h1',
    dataDir: join(t.testdir(), 'data'),
    broker: { url: broker.url },
    policy: { mode: 'mobile-only' },
    report: { stateIntervalS: 0.2 },
  };
  const first = startProgram(t, 'device', config);
  await says({ mode: 'mobile-only', privacy: 'normal', source: 'configuration' });
  await outside.connection.publish(`${TOPIC}/set`, '{"privacy":"strict"}', { qos: 1 });
  await says({ privacy: 'strict', source: 'mqtt' });
  t.equal(await first.stop(), 0);

  policy = null;
  const second = startProgram(t, 'device', config);
  await says({ mode: 'mobile-only', privacy: 'strict', source: 'mqtt' });
  await until('its log says so', () => second.log().includes('set over MQTT is in force again'));

  const file = join(t.testdirName, 'device.yaml');
  const rest = { inference: { providers: ['cpu'], threads: 1 }, log: { level: 'info' } };
  const rewrite = (text: string): void => {
    writeFileSync(file, text);
    process.kill(second.pid, 'SIGHUP');
  };
  rewrite(JSON.stringify({ ...config, ...rest, policy: { mode: 'cascade' }, offload: { deadlineMs: 900 } }));
  await says({ mode: 'cascade', privacy: 'strict', source: 'mqtt' });
  await until('what needs a restart is named', () => /"sections":\["offload"\]/.test(second.log()));
  rewrite('policy: [');
  await until('a broken file changes nothing', () =>
    second.log().includes('was not read again: the old one stays'),
  );
  t.match(policy, { mode: 'cascade', privacy: 'strict' });
  t.ok(await outside.untilState(({ counters }) => counters.uncleanRestarts === 0));
  t.equal(await second.stop(), 0);
});
