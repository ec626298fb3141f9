/** The secret part of a group's name: who may read it, and where it must not turn up. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { groupName } from '../../cloud-stub/requests.js';
import { shareSecret } from '../../protocol/config.js';
import { withoutGroup } from '../../protocol/topics/filters.js';
import { serverDoctor } from '../agent/doctor/support.js';
import { collect, connected } from '../support/broker-watch.js';
import { startMosquitto, withoutMosquitto } from '../support/broker.js';
import { until } from '../support/until.js';
import { startProgram } from './programs.js';

const SECRET = '3f9c1d7788aa40e2b6';
const skip = withoutMosquitto();

t.test('the secret of a group is read from a private file, and told to nobody', { skip }, async (t) => {
  const secretFile = join(t.testdir(), 'share-secret');
  writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const broker = await startMosquitto();
  t.teardown(() => broker.stop());
  const watcher = await connected(broker.url);
  t.teardown(() => watcher.stop());
  const seen = await collect(watcher, '#');
  const server = startProgram(t, 'server', {
    server: 's1',
    broker: { url: broker.url },
    share: { enabled: true, secretFile },
  });
  const sharing = (): boolean =>
    seen.some(
      ({ topic, payload }) =>
        topic === 'edgemux/cloud/s1/status' && Buffer.from(payload).includes('"shared":{}'),
    );
  await until('the server takes part in its group', sharing, 120_000);
  const told = seen.filter(({ topic, payload }) =>
    `${topic} ${Buffer.from(payload).toString()}`.includes(SECRET),
  );
  t.same(told, [], 'in no message');
  t.match(server.log(), /MQTT: connected/, 'the log at level trace was really read');
  t.notOk(server.log().includes(SECRET), 'in no log');
  for (const what of ['cmdline', 'environ'])
    t.notOk(readFileSync(`/proc/${server.pid}/${what}`, 'utf8').includes(SECRET), `not in ${what}`);
  t.equal(await server.stop(), 0);
});

t.test(
  'a file that everybody may read, or a secret that is none, keeps a server from starting',
  async (t) => {
    const file = join(t.testdir(), 'share-secret');
    writeFileSync(file, `${SECRET}\n`);
    chmodSync(file, 0o644);
    t.throws(() => shareSecret(file), { code: 'CONFIG_INVALID', message: /share\.secretFile .* chmod 600/ });
    for (const secret of ['short', 'not a name of a group', 'x'.repeat(64), 'a/b/c/d/e/f/g/h/i'])
      t.throws(
        () => groupName('edgemux', secret),
        { code: 'CONFIG_INVALID', message: /openssl rand -hex 16/ },
        secret,
      );
    t.equal(groupName('edgemux', SECRET), `edgemux-${SECRET}`);
    t.equal(groupName('edgemux', undefined), 'edgemux');
  },
);

t.test('it may come as a credential of systemd', async (t) => {
  const folder = t.testdir({ 'share-secret': `${SECRET}\n` });
  chmodSync(join(folder, 'share-secret'), 0o400);
  t.equal(shareSecret(null, { CREDENTIALS_DIRECTORY: folder }), SECRET);
  t.equal(shareSecret(null, {}), undefined);
});

t.test('a filter is shown without its group', async (t) => {
  t.equal(withoutGroup(`$share/edgemux-${SECRET}/edgemux/offload/#`), '$share/…/edgemux/offload/#');
  t.equal(withoutGroup('edgemux/offload/#'), 'edgemux/offload/#');
});

t.test(
  'doctor warns of a group whose name can be guessed, where anybody may subscribe to it',
  { skip },
  async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.stop());
    const file = join(t.testdir(), 'share-secret');
    writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
    const skipped = ['provider'];
    const flags = { 'broker.url': broker.url, 'share.enabled': true };
    const guessable = await serverDoctor({ flags, skipped });
    t.match(guessable.checks['group'], {
      status: 'warn',
      detail: /lets users subscribe to any group/,
      remedy: /share\.secretFile/,
    });
    const secret = await serverDoctor({ flags: { ...flags, 'share.secretFile': file }, skipped });
    t.match(secret.checks['group'], { status: 'pass' });
    const without = await serverDoctor({ flags: { 'broker.url': broker.url }, skipped });
    t.equal(without.checks['group'], undefined, 'nothing is shared');
  },
);
