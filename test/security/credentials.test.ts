import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { loadConfig } from '../../common/config/load.js';
import { withoutCredentials } from '../../common/redact.js';
import { brokerSchema, connectionOptions } from '../../protocol/config.js';
import { parseBrokerUrl } from '../../protocol/connection/broker-url.js';

const MAX_IMAGE_BYTES = 1000;
const options = (config: object, env: NodeJS.ProcessEnv = {}) =>
  connectionOptions(brokerSchema.parse(config), MAX_IMAGE_BYTES, env);

t.test('the password is the first line of its file, whatever the file ends with', async (t) => {
  const file = join(t.testdir(), 'password');
  for (const text of ['päss wörd', 'päss wörd\n', 'päss wörd\r\nmore\n', '\ufeffpäss wörd\n']) {
    writeFileSync(file, text, { mode: 0o600 });
    t.equal(options({ username: 'u', passwordFile: file }).password, 'päss wörd');
  }
  t.equal(options({}).password, undefined);
});

t.test(
  'a secret that every user of the machine may read or change is refused, with the remedy',
  async (t) => {
    const file = join(t.testdir(), 'secret');
    writeFileSync(file, 'x\n');
    for (const mode of [0o644, 0o604, 0o602, 0o666]) {
      chmodSync(file, mode);
      for (const config of [{ username: 'u', passwordFile: file }, { keyFile: file }]) {
        const key = 'keyFile' in config ? 'keyFile' : 'passwordFile';
        t.throws(() => options(config), {
          code: 'CONFIG_INVALID',
          message: new RegExp(
            `^broker.${key} ${file} is open to every user .*mode 0${mode.toString(8)}.*chmod 600`,
          ),
        });
      }
    }
    for (const mode of [0o600, 0o400, 0o640]) {
      chmodSync(file, mode);
      t.equal(
        options({ username: 'u', passwordFile: file }).password,
        'x',
        'owner, and group where it is wanted',
      );
    }
  },
);

t.test('files that are missing, empty, no files or far too large are refused at start', async (t) => {
  const dir = t.testdir({ empty: '', blank: '\nsecond', large: 'x'.repeat(70_000) });
  const at = (name: string): string => join(dir, name);
  for (const name of ['empty', 'blank', 'large']) chmodSync(at(name), 0o600);
  const refused = (config: object, message: RegExp): void =>
    void t.throws(() => options({ username: 'u', ...config }), { code: 'CONFIG_INVALID', message });
  refused({ passwordFile: at('missing') }, /broker.passwordFile .*cannot be read/);
  refused({ passwordFile: dir }, /is no file/);
  refused({ passwordFile: '/dev/zero' }, /is no file/);
  refused({ passwordFile: at('empty') }, /empty first line/);
  refused({ passwordFile: at('blank') }, /empty first line/);
  refused({ passwordFile: at('large') }, /70000 bytes/);
  refused({ caFile: at('missing') }, /broker.caFile .*cannot be read/);
  refused({ certFile: dir }, /broker.certFile .*is no file/);
  refused({ keyFile: at('missing') }, /broker.keyFile .*cannot be read/);
  chmodSync(at('blank'), 0o600);
  t.throws(() => options({ passwordFile: at('large') }), { code: 'CONFIG_INVALID' });
});

t.test('a password needs its user name', async (t) => {
  const file = join(t.testdir(), 'p');
  writeFileSync(file, 'x\n', { mode: 0o600 });
  t.throws(() => options({ passwordFile: file }), { code: 'CONFIG_INVALID', message: /broker.username/ });
  t.equal(options({ passwordFile: file, url: 'mqtt://me@host' }).password, 'x', 'the URL may hold it');
});

t.test('systemd hands the password over as the credential broker-password', async (t) => {
  const dir = t.testdir();
  const env = { CREDENTIALS_DIRECTORY: dir };
  t.equal(options({ username: 'u' }, env).password, undefined, 'a service need not have one');
  writeFileSync(join(dir, 'broker-password'), 'from systemd\n', { mode: 0o400 });
  t.equal(options({ username: 'u' }, env).password, 'from systemd');
  const own = join(dir, 'own');
  writeFileSync(own, 'from the file\n', { mode: 0o600 });
  t.equal(options({ username: 'u', passwordFile: own }, env).password, 'from the file', 'what is named wins');
});

t.test('a password in broker.url is refused and never repeated', async (t) => {
  const schema = z.strictObject({ broker: brokerSchema.prefault({}) });
  const dir = t.testdir({
    'a.yaml': 'broker: mqtt://me:hunter2@host\n',
    'b.yaml': 'broker:\n  url: mqtt://me:hunter2@host\n  username: [\n',
    'c.yaml': 'broker:\n  url: mqtt://me:hunter2@host\n',
    'd.yaml': 'broker:\n  url: http://me:hunter2@host\n',
  });
  const load = (file: string | null, env = {}, flags = {}) =>
    loadConfig(schema, { file: file && join(dir, file), env, envPrefix: 'EDGEMUX', flags });
  const url = 'mqtt://me:hun@ter2/x@host';
  for (const act of [
    () => load('a.yaml'),
    () => load('b.yaml'),
    () => load('c.yaml'),
    () => load('d.yaml'),
    () => load(null, { EDGEMUX_BROKER_URL: url }),
    () => load(null, {}, { 'broker.url': url }),
  ]) {
    try {
      act();
      t.fail('refused');
    } catch (error) {
      t.match(error, { code: /^CONFIG_(INVALID|UNREADABLE)$/ });
      t.notMatch((error as Error).message, /hun|ter2/);
    }
  }
  t.throws(() => load('c.yaml'), { message: /broker.passwordFile/ });
  t.equal(load(null, { EDGEMUX_BROKER_URL: 'mqtt://me@host' }).broker.url, 'mqtt://me@host');
});

t.test('no user part of a broker address is told, whatever is wrong with the rest', async (t) => {
  const schema = z.strictObject({ broker: brokerSchema.prefault({}) });
  const dir = t.testdir();
  const load = (file: string | null, flags = {}) =>
    loadConfig(schema, { file, env: {}, envPrefix: 'EDGEMUX', flags });
  const addresses = [
    ...['u:hunter2@host', 'u:hunter 2@host', 'mqtt:u:hunter2@host', 'mqtt//u:hunter2@host', 'hunter2@host'],
    ...[
      'mqtt://me:hunter2',
      'mqtts://me:hun@ter/hunter2@host:1:2',
      `http://me:hunter${'2'.repeat(300)}@host`,
    ],
  ];
  for (const [n, address] of addresses.entries()) {
    const [value, inFile] = [join(dir, `${n}-a.yaml`), join(dir, `${n}-b.yaml`)];
    writeFileSync(value, JSON.stringify({ broker: { url: address } }));
    writeFileSync(inFile, `broker:\n  url: x: ${address}\n`);
    for (const act of [
      () => parseBrokerUrl(address),
      () => load(null, { 'broker.url': address }),
      () => load(value),
      () => load(inFile),
    ]) {
      try {
        act();
      } catch (error) {
        t.notMatch((error as Error).message, /hun|ter2/, `${(error as Error).message}`);
      }
    }
    t.throws(() => load(inFile), { message: /in line 2/ }, 'and the line is named');
  }
});

t.test('text with several URLs keeps its lines and loses every credential', async (t) => {
  t.equal(withoutCredentials('a mqtt://u:p@h b'), 'a mqtt://…@h b');
  t.equal(withoutCredentials('"mqtt://u:p@h"\n"mqtt://v@i"'), '"mqtt://…@h"\n"mqtt://…@i"');
  t.equal(withoutCredentials('mqtt://host:1883'), 'mqtt://host:1883');
});
