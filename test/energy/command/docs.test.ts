import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { z } from 'zod';
import { CHIPS } from '../../../drivers/chips.js';
import { BOARD_FIGURES, LINK_FIGURES } from '../../../drivers/simulation/board-model.js';
import { RAIL_SCHEMAS } from '../../../energy/config.js';
import { POWER_OPTIONS } from '../../../energy/command/options.js';
import { configKeys } from '../../../common/config/keys.js';

const GUIDE = fileURLToPath(new URL('../../../../docs/power.md', import.meta.url));

/** The table of the keys of one kind of rail as docs/power.md must have it. */
export function railTable(kind: string, schema: z.ZodType): string {
  const rows = configKeys(schema).map(({ path, default: fallback, unit, description }) => {
    const shown = fallback === null || fallback === '' ? '–' : `\`${String(fallback)}\``;
    return `| \`${path}\` | ${shown} | ${description}${unit === null ? '' : ` (${unit})`} |`;
  });
  return [`| key of ${kind} | default | meaning |`, '|---|---|---|', ...rows].join('\n');
}

/** One table a kind of rail. */
export function railTables(): string[] {
  const chips = Object.values(CHIPS).map(({ label }, i) => [`an ${label}`, RAIL_SCHEMAS.chips[i]] as const);
  return [['a rail of the kernel', RAIL_SCHEMAS.kernel] as const, ...chips].map(([kind, schema]) =>
    schema ? railTable(kind, schema) : kind,
  );
}

t.test('the guide has every key of a rail, kind by kind, as the schemas have it', async (t) => {
  const text = readFileSync(GUIDE, 'utf8');
  for (const row of railTables().flatMap((table) => table.split('\n'))) t.ok(text.includes(row), row);
});

/** What the simulated board draws, as docs/power.md must have it. */
export function boardTables(): string[] {
  const board = Object.values(BOARD_FIGURES).map(
    ({ what, value, unit, source }) => `| ${what} | ${Number(value.toPrecision(4))} ${unit} | ${source} |`,
  );
  const links = Object.entries(LINK_FIGURES).map(
    ([name, { alphaUp, alphaDown, beta, upMbitS, downMbitS, source }]) =>
      `| ${name} | ${[alphaUp, alphaDown, beta, upMbitS, downMbitS].join(' | ')} | ${source} |`,
  );
  return [
    ['| figure | value | source |', '|---|---|---|', ...board].join('\n'),
    [
      '| link | α up, mW per Mbit/s | α down | β, mW | rate up, Mbit/s | rate down | source |',
      '|---|---|---|---|---|---|---|',
      ...links,
    ].join('\n'),
  ];
}

t.test('the guide has the figures of the simulated board and where they are from', async (t) => {
  const text = readFileSync(GUIDE, 'utf8');
  for (const row of boardTables().flatMap((table) => table.split('\n'))) t.ok(text.includes(row), row);
});

t.test('the guide names every flag that it uses as the command has it', async (t) => {
  const lines = readFileSync(GUIDE, 'utf8').split('\n');
  const used = lines
    .filter((line) => /^edgemux power /.test(line))
    .flatMap((line) => [...line.replace(/#.*/, '').matchAll(/--([a-z]+)/g)].map(([, flag]) => flag));
  t.ok(used.length > 3);
  for (const flag of used) t.ok(flag !== undefined && flag in POWER_OPTIONS, `--${flag}`);
});
