/** The API of a real device and a real server: what it gives, what it takes, and from whom. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { parseDeviceState } from '../../protocol/messages.js';
import { freePort, startAedes } from '../support/broker.js';
import { jpegOf, startDevice } from '../support/system.js';
import { until } from '../support/until.js';
import { ask } from './support/ask.js';
import { startServed } from './support/served.js';

t.test(
  'a device shows its state, cameras and history, and is changed by whoever has the token',
  async (t) => {
    const { outside, device, server } = await startServed(t);
    await outside.publishFrame('door', await jpegOf(0));
    await outside.untilResults(1);
    const bearer = { authorization: `Bearer ${device.token}` };

    t.test('health and readiness are told in words', async (t) => {
      for (const { port } of [device, server])
        for (const path of ['/healthz', '/readyz'])
          t.match(await ask(port, path), { status: 200, text: 'ok\n' }, path);
    });

    t.test('the state is that of the state topic', async (t) => {
      const { json } = await ask(device.port, '/api/state');
      const state = parseDeviceState(Buffer.from(JSON.stringify(json())));
      t.equal(state.device, 'd1');
      t.equal(state.counters.results, 1);
      t.match((await ask(server.port, '/api/status')).json(), { server: 's1', state: 'online' });
      t.match((await ask(device.port, '/api/power')).json(), { device: 'd1', simulated: true });
    });

    t.test('a camera’s last result and the hour by minute', async (t) => {
      const cameras = (await ask(device.port, '/api/cameras')).json();
      t.match(cameras, [
        { camera: 'door', region: null, results: 1, hasPicture: false, last: outside.results[0] },
      ]);
      const minutes = (await ask(device.port, '/api/history')).json() as { routes: Record<string, number> }[];
      t.equal(minutes.length, 60);
      const all = minutes.flatMap(({ routes }) => Object.values(routes)).reduce((sum, n) => sum + n, 0);
      t.equal(all, 1);
    });

    t.test('no picture is kept unless http.pictures is on', async (t) => {
      t.match(await ask(device.port, '/api/cameras/door/picture'), { status: 404, text: /http\.pictures/ });
    });

    t.test('the policy changes with the token and in no other way', async (t) => {
      const body = JSON.stringify({ mode: 'mobile-only' });
      const patch = (headers: Record<string, string>, sent = body) =>
        ask(device.port, '/api/policy', { method: 'PATCH', headers, body: sent });
      t.match(await patch({}), { status: 401, headers: { 'www-authenticate': 'Bearer' } });
      t.equal((await patch({ ...bearer, origin: 'http://evil.example' })).status, 403);
      t.equal((await patch({ ...bearer, host: 'evil.example' })).status, 421);
      t.match((await ask(device.port, '/api/policy')).json(), { source: 'configuration' });
      t.match((await patch(bearer)).json(), { mode: 'mobile-only', source: 'mqtt' });
      await outside.untilState(({ policy }) => policy.mode === 'mobile-only');
      t.match(await patch(bearer, '{"mode":"no-such"}'), { status: 400, text: /MESSAGE_INVALID.*mode/ });
      t.equal((await patch(bearer, '{')).status, 400);
      t.equal((await patch(bearer, ' '.repeat(100_000))).status, 413);
      t.match((await patch(bearer, 'null')).json(), { source: 'configuration' });
    });

    t.test('a server takes a patch the same way', async (t) => {
      const sent = { method: 'PATCH', body: '{"mode":"largest"}' };
      t.equal((await ask(server.port, '/api/policy', sent)).status, 401);
      t.equal(
        (await ask(server.port, '/api/policy', { ...sent, headers: bearer })).status,
        401,
        'the device’s token',
      );
      const own = { authorization: `Bearer ${server.token}` };
      t.match((await ask(server.port, '/api/policy', { ...sent, headers: own })).json(), { mode: 'largest' });
      t.match((await ask(server.port, '/api/status')).json(), { policy: { mode: 'largest' } });
    });

    t.test('what is not there, and methods that are not taken, are said so as JSON', async (t) => {
      t.match((await ask(device.port, '/api/nothing')).json(), {
        error: { message: /there is no GET \/api\/nothing/ },
      });
      t.equal((await ask(device.port, '/api/state', { method: 'PATCH', headers: bearer })).status, 404);
      t.equal((await ask(device.port, '/api/../../etc/passwd')).status, 404);
    });

    t.test('no answer may be kept, framed or run', async (t) => {
      const { headers } = await ask(device.port, '/api/state');
      t.match(headers, {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': /frame-ancestors 'none'/,
      });
    });

    t.test('the OpenAPI document names every address, and which of them want the token', async (t) => {
      const document = (await ask(device.port, '/api/openapi.json')).json() as {
        openapi: string;
        paths: Record<string, Record<string, { security?: unknown; responses: Record<string, unknown> }>>;
      };
      t.equal(document.openapi, '3.1.0');
      t.same(document.paths['/api/policy']?.['patch']?.security, [{ token: [] }]);
      t.ok('/api/cameras/{camera}/picture' in document.paths && '/api/events' in document.paths);
      for (const path of Object.keys(document.paths).filter((one) => !/\{|events/.test(one)))
        t.equal((await ask(device.port, path)).status, 200, path);
    });
  },
);

t.test('events tell a page what is new, and end with it', async (t) => {
  const { outside, device } = await startServed(t);
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${device.port}/api/events`, { signal: abort.signal });
  t.match(response.headers.get('content-type'), /^text\/event-stream/);
  let heard = '';
  const reading = (async () => {
    for await (const chunk of response.body ?? []) heard += Buffer.from(chunk as Uint8Array).toString();
  })().catch(() => undefined);
  // what follows the last empty line has not come whole yet
  const events = () =>
    heard
      .split('\n\n')
      .slice(0, -1)
      .filter((event) => event.startsWith('data: '))
      .map(
        (event) => JSON.parse(event.slice(6)) as { cameras: { camera: string }[]; state: { device: string } },
      );
  await until('a first event', () => events().length > 0);
  t.match(events()[0], { state: { device: 'd1' }, cameras: [] });
  await outside.publishFrame('door', await jpegOf(0));
  await until('the result is told', () => events().at(-1)?.cameras[0]?.camera === 'door');
  abort.abort();
  await reading;
});

t.test('pictures are shown where that is allowed, and never under privacy: strict', async (t) => {
  const { outside, device } = await startServed(t, { http: { pictures: true } });
  const jpeg = await jpegOf(3);
  await outside.publishFrame('door', jpeg);
  await outside.untilResults(1);
  const got = await fetch(`http://127.0.0.1:${device.port}/api/cameras/door/picture`);
  t.equal(got.headers.get('content-type'), 'image/jpeg');
  t.ok(Buffer.from(await got.arrayBuffer()).equals(jpeg));
  await outside.setPolicy({ privacy: 'strict' });
  await outside.untilState(({ policy }) => policy.privacy === 'strict');
  t.equal((await ask(device.port, '/api/cameras/door/picture')).status, 404);
});

t.test('a port that is taken is said, tried again, and stops no frame', async (t) => {
  const broker = await startAedes();
  t.teardown(() => broker.stop());
  const port = await freePort();
  const first = { device: 'd1', dataDir: t.testdir({}), http: { listen: port } };
  const holder = await startDevice(t, broker.url, first);
  const second = await startDevice(t, broker.url, {
    device: 'd2',
    dataDir: `${t.testdirName}/d2`,
    http: { listen: port },
  });
  const { Outside } = await import('../support/system.js');
  const outside = await Outside.connect(t, broker.url, 'd2');
  await outside.untilState(({ health }) =>
    health.warnings.some((text) => /EADDRINUSE.*http\.listen/.test(text)),
  );
  await outside.publishFrame('door', await jpegOf(0));
  t.ok(await outside.untilResults(1));
  await holder.stop();
  await until('the second listens', async () => {
    await sleep(100);
    const state = await ask(port, '/api/state').then(
      ({ text }) => text,
      () => '',
    );
    return state.includes('"d2"');
  });
  await outside.untilState(({ health }) => !health.warnings.some((text) => text.includes('EADDRINUSE')));
  await second.stop();
  t.ok(readFileSync(`${t.testdirName}/d2/http-token`, 'utf8').length > 20);
});
