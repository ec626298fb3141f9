import t from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { brokerSchema, clientIds, nameSchema } from '../../protocol/config.js';

t.test('no device has the client id of a server, whatever both are called', async (t) => {
  const broker = brokerSchema.parse({});
  t.equal(clientIds.device('cloud-gpu1', broker), 'edgemux-cloud-gpu1');
  t.equal(clientIds.server('gpu1', broker), 'edgemux-cloud.gpu1');
  t.notOk(nameSchema.safeParse('cloud.gpu1').success, 'a device cannot be called so');
});

t.test('a client id that the broker prescribes is set, and checked', async (t) => {
  const { broker } = agentConfigSchema.parse({ broker: { clientId: 'thing:0815' } });
  t.equal(clientIds.device('d1', broker), 'thing:0815');
  t.equal(clientIds.server('s1', broker), 'thing:0815');
  for (const clientId of ['', 'two words', 'ä', 'x'.repeat(129)])
    t.notOk(brokerSchema.safeParse({ clientId }).success, JSON.stringify(clientId));
});

t.test('brokers over WebSockets are configured by their URL', async (t) => {
  for (const url of ['ws://host:8083/mqtt', 'wss://host/mqtt', 'tls://host'])
    t.ok(brokerSchema.safeParse({ url }).success, url);
  t.notOk(brokerSchema.safeParse({ url: 'http://host' }).success);
});
