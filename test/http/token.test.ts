import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TokenFile } from '../../http/token.js';

t.test('a token is made once, for its owner alone, and is another one after a rotation', async (t) => {
  const path = join(t.testdir(), 'data', 'http-token');
  const token = new TokenFile(path);
  t.equal(token.matches(''), false, 'no file, no token');
  token.ensure();
  t.equal(statSync(path).mode & 0o777, 0o600);
  const first = token.read();
  t.match(first, /^[\w-]{32}$/);
  token.ensure();
  t.equal(token.read(), first);
  t.equal(token.matches(first), true);
  t.equal(token.matches(`${first}x`), false);
  const second = token.rotate();
  t.not(second, first);
  t.equal(new TokenFile(path).read(), second);
  t.equal(token.matches(first), false, 'the old one counts no more, at once');
  t.equal(token.matches(second), true);
  t.notOk(existsSync(`${path}.next`));
});

t.test('a file that is open to everybody, or holds nothing fit, is refused with what to do', async (t) => {
  const path = join(t.testdir(), 'http-token');
  writeFileSync(path, 'short\n', { mode: 0o600 });
  const token = new TokenFile(path);
  t.throws(() => token.ensure(), { code: 'CONFIG_INVALID', message: /16 to 256/ });
  writeFileSync(path, `${'x'.repeat(20)}\n`);
  chmodSync(path, 0o644);
  t.throws(() => token.read(), { code: 'CONFIG_INVALID', message: /chmod 600/ });
  t.equal(token.matches('x'.repeat(20)), false);
  t.equal(readFileSync(path, 'utf8').trim(), 'x'.repeat(20), 'and left as it is');
});

t.test('a place that cannot be written is named', async (t) => {
  const file = join(t.testdir({ file: '' }), 'file');
  t.throws(() => new TokenFile(join(file, 'http-token')).rotate(), {
    code: 'CONFIG_INVALID',
    message: /http\.tokenFile/,
  });
});
