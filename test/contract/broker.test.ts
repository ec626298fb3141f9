import t from 'tap';
import { startAedes, startMosquitto, withoutMosquitto } from '../support/broker.js';
import { brokerContract } from './broker.js';

t.test('aedes, MQTT 3.1.1', (t) => brokerContract(t, { start: startAedes, version: 4, shares: false }));

for (const version of [4, 5] as const) {
  const name = `mosquitto, MQTT ${version === 4 ? '3.1.1' : '5'}`;
  t.test(name, { skip: withoutMosquitto() }, (t) =>
    brokerContract(t, { start: startMosquitto, version, shares: true }),
  );
}
