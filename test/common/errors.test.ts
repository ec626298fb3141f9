import t from 'tap';
import { ERROR_CODES } from '../../common/errors.js';
import { sources } from '../support/sources.js';

/** All product code but the list itself. */
const code = sources('common/errors.ts');

t.test('every documented error code is one that some code sends or throws', async (t) => {
  t.ok(Object.keys(ERROR_CODES).length > 20);
  for (const name of Object.keys(ERROR_CODES)) t.match(code, `'${name}'`, name);
});
