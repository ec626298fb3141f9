/** The shipped configuration of a broker, taken by a real one. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { withoutMosquitto, startMosquitto } from '../support/broker.js';

const skip = withoutMosquitto();

/** Its lines but for those that name certificates, accounts and the listener. */
function boundsOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^(max_|memory_|persistent_client)/.test(line));
}

const bounds = boundsOf('systemd/mosquitto/edgemux.conf');
const boundOf = (key: string): number =>
  Number(bounds.find((line) => line.startsWith(`${key} `))?.split(' ')[1]);

t.test('queues, packets and memory of the shipped broker are bounded', async (t) => {
  for (const key of ['max_queued_messages', 'max_queued_bytes', 'memory_limit', 'max_packet_size'])
    t.ok(boundOf(key) > 0, key);
  t.ok(boundOf('memory_limit') > 4 * boundOf('max_queued_bytes'), 'several clients may be away at a time');
});

t.test(
  'a subscriber that is away gets what the bound allows, and the newest is not waited for',
  { skip },
  async (t) => {
    const broker = await startMosquitto({ lines: [...bounds, 'allow_anonymous true'] });
    t.teardown(() => broker.stop());
    const port = new URL(broker.url).port;
    const session = ['-p', port, '-i', 'reader', '-c', '-q', '1', '-t', 'results/#'];
    execFileSync('mosquitto_sub', [...session, '-E']);
    const mib = join(t.testdir(), 'mib');
    writeFileSync(mib, Buffer.alloc(1024 * 1024, 'x'));
    const sent = Math.ceil(boundOf('max_queued_bytes') / 1024 ** 2) + 10;
    for (let n = 0; n < sent; n += 1)
      execFileSync('mosquitto_pub', ['-p', port, '-q', '1', '-t', 'results/big', '-f', mib]);
    const reader = spawn('mosquitto_sub', [...session, '-F', '%l'], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => reader.kill('SIGKILL'));
    let got = 0;
    for await (const length of createInterface(reader.stdout)) {
      if (length === '3') break;
      got += 1;
      if (got === sent - 10)
        execFileSync('mosquitto_pub', ['-p', port, '-q', '1', '-t', 'results/end', '-m', 'end']);
    }
    reader.kill();
    await once(reader, 'exit');
    t.ok(got >= sent - 11 && got < sent, `${got} of ${sent} MiB were kept`);
  },
);

t.test('a name or a base topic may hold the words of the templates', async (t) => {
  const print = (...args: string[]): string =>
    execFileSync('sh', ['systemd/mosquitto/acl.sh', ...args], { encoding: 'utf8' });
  t.match(print('camera', 'BASEcam'), 'topic write cameras/BASEcam/frame');
  t.match(print('device', 'NAMEd'), 'topic readwrite edgemux/NAMEd/state');
  t.match(print('device', 'd1', 'siteNAME'), 'topic readwrite siteNAME/d1/state');
  t.match(print('device', 'BASE', 'NAME'), 'topic readwrite NAME/BASE/state');
});
