/** The table of SECURITY.md, role by power, against the rights that the shipped script prints. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { compileFilter } from '../../protocol/connection/subscriptions.js';
import { ROLES, rightsOf } from './accounts.js';

/** Columns of the table; what a role adds to another is shown with that. */
const COLUMNS: Record<string, readonly string[]> = Object.fromEntries([
  ...ROLES.map((role) => [role, [role]]),
  ['server-share', ['server', 'server-share']],
]);

const page = readFileSync('SECURITY.md', 'utf8');

/** What an account called `me` does for each power: topics in its own name, and in the name of others. */
const POWERS: Record<
  string,
  { access: 'read' | 'write'; own: readonly string[]; others: readonly string[] }
> = {
  'see frames of cameras': { access: 'read', own: [], others: ['cameras/other/frame'] },
  'send frames': { access: 'write', own: ['cameras/me/frame'], others: ['cameras/other/frame'] },
  'see offloaded frames': {
    access: 'read',
    own: ['edgemux/offload/me/zoo/d/f/500'],
    others: ['edgemux/offload/other/zoo/d/f/500'],
  },
  'see shared requests': { access: 'read', own: [], others: ['edgemux/offload/any/zoo/d/f/500'] },
  'ask servers': {
    access: 'write',
    own: ['edgemux/offload/s/zoo/me/f/500', 'edgemux/offload/any/zoo/me/f/500'],
    others: ['edgemux/offload/s/zoo/other/f/500', 'edgemux/offload/any/zoo/other/f/500'],
  },
  answer: { access: 'write', own: ['edgemux/answer/me/d/f'], others: ['edgemux/answer/other/d/f'] },
  'read answers': { access: 'read', own: ['edgemux/answer/s/me/f'], others: ['edgemux/answer/s/other/f'] },
  'announce a server': {
    access: 'write',
    own: ['edgemux/cloud/me/status'],
    others: ['edgemux/cloud/other/status'],
  },
  'publish results and states': {
    access: 'write',
    own: ['result/door', 'state', 'status', 'power', 'policy'].map((rest) => `edgemux/me/${rest}`),
    others: ['result/door', 'state', 'status', 'power', 'policy'].map((rest) => `edgemux/other/${rest}`),
  },
  'read results': { access: 'read', own: [], others: ['edgemux/other/result/door'] },
  'change policies': {
    access: 'write',
    own: [],
    others: ['edgemux/other/policy/set', 'edgemux/cloud/other/policy/set'],
  },
};

type Cell = 'all' | 'own' | '–';

function cellOf(role: string, power: string): Cell {
  const { access, own, others } = POWERS[power] ?? { access: 'read', own: [], others: [] };
  const filters = (COLUMNS[role] ?? [])
    .map((one) => rightsOf(one, 'me'))
    .join('')
    .split('\n')
    .map((line) => /^topic (read|write|readwrite) (.*)$/.exec(line))
    .filter((line) => line?.[1]?.includes(access))
    .map((line) => compileFilter(line?.[2] ?? ''));
  const may = (topics: readonly string[]): boolean =>
    topics.length > 0 && topics.every((topic) => filters.some((matches) => matches(topic)));
  const some = [...own, ...others].some((topic) => filters.some((matches) => matches(topic)));
  if (may(others)) return 'all';
  if (may(own)) return 'own';
  if (some) throw new Error(`${role} may do a part of '${power}': the table has no word for that`);
  return '–';
}

/** Header and rows of the table whose first column is called `role`. */
function table(): { powers: string[]; rows: Map<string, string[]> } {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith('| power |'));
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const body = lines.slice(start + 2);
  const end = body.findIndex((line) => !line.startsWith('|'));
  const rows = body.slice(0, end).map(cells);
  return {
    powers: cells(lines[start] ?? '').slice(1),
    rows: new Map(rows.map(([first = '', ...rest]) => [first, rest])),
  };
}

t.test('each cell of the table of roles and powers is what the shipped rights grant', async (t) => {
  const { powers: roles, rows } = table();
  t.same(
    new Set(roles.slice(0, -1)),
    new Set(Object.keys(COLUMNS)),
    'a column for each role, and one for the test',
  );
  for (const power of Object.keys(POWERS)) {
    const row = rows.get(power) ?? [];
    for (const [at, role] of roles.slice(0, -1).entries())
      t.equal(row[at], cellOf(role, power), `${role}: ${power}`);
  }
});

t.test('each row names a test that exists, by file and title', async (t) => {
  const { rows } = table();
  t.ok(rows.size > Object.keys(POWERS).length, 'the group and its secret have rows of their own');
  for (const [power, row] of rows) {
    const [, file = '', title = ''] = /^\[(?:[^\]]+)\]\(([^ )]+) "([^"]+)"\)$/.exec(row.at(-1) ?? '') ?? [];
    t.ok(existsSync(file), `${power}: ${file}`);
    if (existsSync(file)) t.ok(readFileSync(file, 'utf8').includes(title), `${power}: ${title}`);
  }
});
