/** A server answers a device that comes, so that it is found on brokers that hand out nothing retained by wildcard. */
import t from 'tap';
import { DEVICE_OFFLINE, DEVICE_ONLINE, parseServerStatus } from '../../protocol/messages.js';
import { startAedes } from '../support/broker.js';
import { connected } from '../support/broker-watch.js';
import { startServer } from '../support/system.js';
import { until } from '../support/until.js';

t.test('a server says its status when a device says that it is there', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  await startServer(t, broker.url, 's1', { report: { statusIntervalS: 3600 } });
  const device = await connected(broker.url);
  t.teardown(() => device.stop());
  const live: string[] = [];
  let told = false;
  await device.subscribe('edgemux/cloud/+/status', { qos: 1 }, ({ payload, retain }) => {
    told = true;
    if (!retain) live.push(parseServerStatus(payload).state);
  });
  await until('the server has said its status', () => told);
  const before = live.length;
  await device.publish('edgemux/d1/status', DEVICE_OFFLINE, { qos: 1, retain: true });
  for (let devices = 0; devices < 3; devices += 1)
    await device.publish(`edgemux/d${devices}/status`, DEVICE_ONLINE, { qos: 1, retain: true });
  await until('the answer', () => live.length > before);
  t.equal(live[before], 'online');
  t.ok(live.length - before <= 3, 'no more words than devices');
});
