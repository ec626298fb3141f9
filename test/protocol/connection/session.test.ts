import t from 'tap';
import { failure } from '../../../protocol/connection/failure.js';
import type { PublishOptions } from '../../../protocol/messages/message.js';
import {
  Session,
  type ServerLimits,
  type SessionPort,
  type WantedSubscription,
} from '../../../protocol/connection/session.js';

const LIMITS: ServerLimits = {
  maximumPacketSize: null,
  receiveMaximum: 65_535,
  maximumQos: 2,
  retainAvailable: true,
  sharedSubscriptionAvailable: null,
  subscriptionIdentifiersAvailable: true,
  serverKeepAliveS: null,
};
const gone = failure('network', 'cable pulled');

/** The client below, acknowledging when the test says so. */
function fakePort() {
  const acks: ((error?: Error) => void)[] = [];
  const port: SessionPort = {
    publish: (_topic: string, _payload: Buffer, _options: PublishOptions, done) => void acks.push(done),
    subscribe: (_wanted, done) => void acks.push((error) => done(error, [])),
    unsubscribe: (_filter, done) => void acks.push(done),
    end: () => undefined,
    destroy: () => undefined,
    bufferedBytes: () => 0,
    receivedBytes: () => 0,
  };
  return { port, acks };
}

t.test('a SUBSCRIBE has eight filters at most, and one where it carries an identifier', async (t) => {
  const packets: WantedSubscription[][] = [];
  const { port } = fakePort();
  port.subscribe = (wanted, done) => {
    packets.push(wanted);
    done(
      undefined,
      wanted.filter(({ filter }) => filter === 'f9').map(({ filter }) => filter),
    );
  };
  const wanted = Array.from({ length: 18 }, (_, at) => ({ filter: `f${at}`, qos: 0 as const }));
  const session = new Session(port, 5, LIMITS, 'broker:1');
  t.same(await session.subscribe([...wanted, { filter: 'copy', qos: 0, id: 7 }]), ['f9']);
  t.same(
    packets.map((packet) => packet.length),
    [1, 8, 8, 2],
  );
  t.same(packets[0], [{ filter: 'copy', qos: 0, id: 7 }]);
  packets.length = 0;
  const plain = new Session(port, 5, { ...LIMITS, subscriptionIdentifiersAvailable: false }, 'broker:1');
  await plain.subscribe([{ filter: 'copy', qos: 0, id: 7 }]);
  t.same(packets, [[{ filter: 'copy', qos: 0 }]], 'a broker that knows no identifiers gets none');
});

t.test('what the broker does not do is done without', async (t) => {
  const { port } = fakePort();
  const sent: PublishOptions[] = [];
  port.publish = (_topic, _payload, options, done) => {
    sent.push(options);
    done();
  };
  const session = new Session(port, 5, { ...LIMITS, maximumQos: 0, retainAvailable: false }, 'broker:1');
  await session.publish('t', Buffer.from('x'), { qos: 1, retain: true });
  t.match(sent, [{ qos: 0, retain: false }]);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test(
  'no more QoS 1 messages are on their way than the broker takes; the others go as these are acknowledged',
  async (t) => {
    const { port, acks } = fakePort();
    const session = new Session(port, 5, { ...LIMITS, receiveMaximum: 2 }, 'broker:1');
    const done: number[] = [];
    const all = [1, 2, 3, 4].map((at) =>
      session.publish('t', Buffer.from('x'), { qos: 1 }).then(() => done.push(at)),
    );
    t.equal(acks.length, 2);
    void session.publish('t', Buffer.from('x'), { qos: 0 });
    t.equal(acks.length, 3, 'QoS 0 does not wait in that line');
    acks[0]?.();
    t.equal(acks.length, 4);
    for (const ack of acks.slice(1)) ack();
    acks[4]?.();
    await Promise.all(all);
    t.same(done, [1, 2, 3, 4]);
  },
);

t.test(
  'all that waits is rejected when the connection ends, and nothing is sent from the line',
  async (t) => {
    const { port, acks } = fakePort();
    const session = new Session(port, 5, { ...LIMITS, receiveMaximum: 1 }, 'broker:1');
    const publishes = [1, 2, 3].map(() => session.publish('t', Buffer.from('x'), { qos: 1 }));
    const subscribe = session.subscribe([{ filter: 'a', qos: 0 }]).then(() => undefined);
    session.closed(gone);
    for (const one of [...publishes, subscribe]) {
      await t.rejects(one, { code: 'BROKER_UNREACHABLE', message: /before it acknowledged.*cable pulled/ });
    }
    acks[0]?.();
    t.equal(acks.length, 2, 'one publish and the subscribe were sent');
    await t.rejects(session.publish('t', Buffer.from('x'), {}), { message: /cable pulled/ });
    t.equal(await session.ended, gone);
    t.notOk(session.alive);
  },
);

t.test('it is idle when nothing waits for an acknowledgement', async (t) => {
  const { port, acks } = fakePort();
  const session = new Session(port, 4, LIMITS, 'broker:1');
  await session.idle();
  let idle = false;
  const publish = session.publish('t', Buffer.from('x'), { qos: 1 });
  void session.idle().then(() => (idle = true));
  await turn();
  t.notOk(idle);
  acks[0]?.();
  await publish;
  await turn();
  t.ok(idle);
});

t.test('a packet larger than the broker takes is not sent', async (t) => {
  const { port, acks } = fakePort();
  const session = new Session(port, 5, { ...LIMITS, maximumPacketSize: 100 }, 'broker:1');
  await t.rejects(session.publish('topic', Buffer.alloc(100), {}), {
    code: 'MESSAGE_INVALID',
    message: /100 bytes/,
  });
  t.equal(acks.length, 0);
});

t.test('a refused publish says why', async (t) => {
  const { port, acks } = fakePort();
  const session = new Session(port, 5, LIMITS, 'broker:1');
  const publish = session.publish('t', Buffer.from('x'), { qos: 1 });
  acks[0]?.(Object.assign(new Error('Publish error: Not authorized'), { code: 135 }));
  await t.rejects(publish, {
    code: 'BROKER_UNREACHABLE',
    details: { kind: 'credentials' },
    message: /Not authorized/,
  });
  t.ok(session.alive);
});
