import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ERROR_CODES } from '../../common/errors.js';

const FOLDERS = [
  'agent',
  'cloud-stub',
  'common',
  'drivers',
  'energy',
  'http',
  'journal',
  'lab',
  'mux',
  'protocol',
];

/** All product code but the list itself. */
const code = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && join(folder, name) !== 'common/errors.ts')
    .map((name) => readFileSync(join(folder, name), 'utf8')),
).join('\n');

t.test('every documented error code is one that some code sends or throws', async (t) => {
  t.ok(Object.keys(ERROR_CODES).length > 20);
  for (const name of Object.keys(ERROR_CODES)) t.match(code, `'${name}'`, name);
});
