/** Writes the date of this build into dist/: `npm run build`. SOURCE_DATE_EPOCH: https://reproducible-builds.org/specs/source-date-epoch/ */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const epochS = process.env['SOURCE_DATE_EPOCH'];
const builtAt = new Date(epochS === undefined ? Date.now() : 1000 * Number(epochS)).toISOString();
const file = join(import.meta.dirname, '..', 'dist', 'common', 'built.json');
writeFileSync(file, `${JSON.stringify({ builtAt })}\n`);
