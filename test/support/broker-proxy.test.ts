import net from 'node:net';
import t, { type Test } from 'tap';
import { startBrokerProxy, type BrokerProxy } from './broker-proxy.js';
import { until } from './until.js';

/** A server that echoes, the proxy before it, and a client of the proxy. */
async function echoed(t: Test): Promise<{ proxy: BrokerProxy; client: net.Socket; said: () => Buffer }> {
  const server = net.createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await startBrokerProxy((server.address() as net.AddressInfo).port, 7);
  const client = net.connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => undefined);
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  t.teardown(async () => {
    client.destroy();
    await proxy.stop();
    server.close();
  });
  return { proxy, client, said: () => Buffer.concat(chunks) };
}

t.test('a good line passes all bytes in order; a slow one takes its time for them', async (t) => {
  const { proxy, client, said } = await echoed(t);
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 251));
  client.write(bytes);
  t.ok(await until('said().length === bytes.length', () => said().length === bytes.length));
  t.same(said(), bytes);
  proxy.be({ bitsPerS: 400_000 });
  const startMs = performance.now();
  client.write(bytes);
  t.ok(await until('said().length === 2 * bytes.length', () => said().length === 2 * bytes.length));
  t.ok(performance.now() - startMs >= 390, '160,000 bits at 400 kbit/s take 0.4 s at least');
  t.same(said().subarray(bytes.length), bytes);
});

t.test('a late line delays each direction', async (t) => {
  const { proxy, client, said } = await echoed(t);
  proxy.be({ delayMs: 120 });
  const startMs = performance.now();
  client.write('ping');
  t.ok(await until('said().toString() === "ping"', () => said().toString() === 'ping'));
  t.ok(performance.now() - startMs >= 235, 'there and back');
});

t.test('a corrupt line turns one bit over in what comes back, and counts it', async (t) => {
  const { proxy, client, said } = await echoed(t);
  proxy.be({ corruptShare: 1 });
  client.write(Buffer.alloc(64));
  t.ok(await until('said().length === 64', () => said().length === 64));
  const bits = [...said()].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  t.equal(bits, proxy.corrupted);
  t.ok(bits >= 1);
});

t.test('a flaky line ends; a swallowed one delivers nothing and shows what was said', async (t) => {
  const { proxy, client, said } = await echoed(t);
  let swallowed = '';
  client.write('a');
  t.ok(await until('said().length === 1', () => said().length === 1));
  proxy.swallow((chunk) => (swallowed += chunk.toString()));
  client.write('bcd');
  t.ok(await until('swallowed === "bcd"', () => swallowed === 'bcd'));
  t.equal(said().toString(), 'a');
  proxy.swallow(null);
  t.ok(
    await until('client.destroyed', () => client.destroyed),
    'what follows would make no sense to the far end',
  );
  proxy.be({ cutShare: 1 });
  const next = net.connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => undefined);
  t.teardown(() => next.destroy());
  next.write('x');
  t.ok(await until('next.destroyed', () => next.destroyed));
});

t.test('the door refuses new lines, or lets them wait until it opens', async (t) => {
  const { proxy } = await echoed(t);
  const open = (): { socket: net.Socket; said: () => string } => {
    let said = '';
    const socket = net.connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (said += chunk.toString())).write('hello');
    t.teardown(() => socket.destroy());
    return { socket, said: () => said };
  };
  proxy.door('refuse');
  const refused = open();
  t.ok(await until('refused.socket.destroyed', () => refused.socket.destroyed));
  proxy.door('hold');
  const held = open();
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(held.said(), '');
  t.notOk(held.socket.destroyed);
  proxy.door('open');
  t.ok(await until('held.said() === "hello"', () => held.said() === 'hello'));
});
