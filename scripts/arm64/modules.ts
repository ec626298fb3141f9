/** `modules.js FOLDER NODE`: dependencies for linux/arm64 in a folder, against the headers of an arm64 Node.js. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installModules } from './install-modules.js';

const [, , folder, headers] = process.argv;
if (folder === undefined || headers === undefined) {
  process.stderr.write('usage: modules.js FOLDER NODE\n');
  process.exit(2);
}
const done = join(folder, 'node_modules/.arm64-ready');
if (!existsSync(done)) {
  rmSync(folder, { recursive: true, force: true });
  installModules(folder, headers, (text) => void process.stdout.write(`${text}\n`));
  writeFileSync(done, '');
}
