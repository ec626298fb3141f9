import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { railSchema } from '../../../energy/config.js';
import { POWER_OPTIONS } from '../../../energy/command/options.js';
import { configKeys } from '../../../common/config/keys.js';

const GUIDE = fileURLToPath(new URL('../../../../docs/power.md', import.meta.url));

/** The table of a rail's keys as docs/power.md must have it. */
export function railTable(): string {
  const rows = configKeys(railSchema).map(({ path, default: fallback, unit, description }) => {
    const shown = fallback === null || fallback === '' ? '–' : `\`${String(fallback)}\``;
    return `| \`${path}\` | ${shown} | ${description}${unit === null ? '' : ` (${unit})`} |`;
  });
  return ['| key of a rail | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

t.test('the guide has every key of a rail as the schema has it', async (t) => {
  const text = readFileSync(GUIDE, 'utf8');
  for (const row of railTable().split('\n')) t.ok(text.includes(row), row);
});

t.test('the guide names every flag that it uses as the command has it', async (t) => {
  const lines = readFileSync(GUIDE, 'utf8').split('\n');
  const used = lines
    .filter((line) => /^edgemux power /.test(line))
    .flatMap((line) => [...line.replace(/#.*/, '').matchAll(/--([a-z]+)/g)].map(([, flag]) => flag));
  t.ok(used.length > 3);
  for (const flag of used) t.ok(flag !== undefined && flag in POWER_OPTIONS, `--${flag}`);
});
