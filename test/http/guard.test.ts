import t from 'tap';
import { refusal, type Asked } from '../../http/guard.js';

const RULES = {
  hosts: ['edge.example'],
  open: new Set(['/healthz']),
  isToken: (given: string) => given === 'the-token',
  tokenCommand: 'edgemux token',
};
const TOKEN = { authorization: 'Bearer the-token' };

function statusOf(
  asked: Omit<Partial<Asked>, 'headers'> & { headers?: Record<string, string> },
): number | null {
  const { headers = {}, ...rest } = asked;
  const whole = { method: 'GET', path: '/api/state', remote: '127.0.0.1', ...rest };
  return refusal({ ...whole, headers: { host: '127.0.0.1:8090', ...headers } }, RULES)?.status ?? null;
}

t.test('this machine reads without a token, by localhost and by addresses', async (t) => {
  for (const host of [
    '127.0.0.1:8090',
    'localhost:8090',
    'LOCALHOST',
    'localhost.',
    '[::1]:8090',
    '127.1.2.3',
  ])
    t.equal(statusOf({ headers: { host } }), null, host);
  t.equal(statusOf({ method: 'HEAD' }), null);
  t.equal(statusOf({ remote: '::ffff:127.0.0.1' }), null);
});

t.test('a name that is none of ours is refused, token or not: it may be another site’s', async (t) => {
  for (const host of [
    'evil.example',
    'evil.example:8090',
    'localhost.evil.example',
    'x@localhost',
    '',
    'a b',
    '127.0.0.1.evil.example',
  ])
    t.equal(statusOf({ headers: { host, ...TOKEN } }), 421, host);
  t.equal(statusOf({ path: '/healthz', headers: { host: 'evil.example' } }), 421, 'health too');
});

t.test('pages of other sites get nothing, even with the token', async (t) => {
  for (const origin of [
    'http://evil.example',
    'http://127.0.0.1:8091',
    'null',
    'http://localhost:8090',
    'nonsense',
  ])
    t.equal(statusOf({ headers: { origin, ...TOKEN } }), 403, origin);
  t.equal(statusOf({ headers: { origin: 'http://127.0.0.1:8090' } }), null, 'our own page');
  t.equal(statusOf({ headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }), 403);
  t.equal(
    statusOf({ headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
    null,
    'a link',
  );
});

t.test('a change needs the token, on loopback too', async (t) => {
  for (const method of ['PATCH', 'POST', 'PUT', 'DELETE', 'BREW']) {
    t.equal(statusOf({ method }), 401, method);
    t.equal(statusOf({ method, headers: { authorization: 'Bearer wrong' } }), 401);
    t.equal(statusOf({ method, headers: TOKEN }), null);
  }
  t.equal(statusOf({ method: 'POST', path: '/healthz' }), 401, 'where reading is open too');
});

t.test('other machines, and a proxy on this one, read with the token alone; health is open', async (t) => {
  const away: Parameters<typeof statusOf>[0][] = [
    { remote: '192.168.1.9', headers: { host: '192.168.1.5:8090' } },
    { remote: '192.168.1.9', headers: { host: '127.0.0.1:8090' } },
    { headers: { host: 'edge.example' } },
    { headers: { host: '192.168.1.5' } },
    { headers: { 'x-forwarded-for': '10.0.0.1' } },
    { headers: { forwarded: 'for=10.0.0.1' } },
  ];
  for (const asked of away) {
    t.equal(statusOf(asked), 401, JSON.stringify(asked));
    t.equal(statusOf({ ...asked, headers: { ...asked.headers, ...TOKEN } }), null);
    t.equal(statusOf({ ...asked, path: '/healthz' }), null);
  }
});

t.test('a refusal says what to do', async (t) => {
  const asked = { method: 'GET', path: '/', remote: '127.0.0.1', headers: { host: 'evil.example' } };
  t.match(refusal(asked, RULES)?.message, /http\.hosts/);
  t.match(
    refusal({ ...asked, method: 'PATCH', headers: { host: 'localhost' } }, RULES)?.message,
    /edgemux token/,
  );
});
