import type { z } from 'zod';
import { configKeys, environmentName, type ConfigKey } from './keys.js';

/** The reference table of a program's configuration, generated from its schema. */
export function configMarkdown(schema: z.ZodType, envPrefix: string, flags: Record<string, string>): string {
  const rows = configKeys(schema).map((key) => {
    const flag = Object.entries(flags).find(([, path]) => path === key.path)?.[0];
    const type = key.choices ? key.choices.map((choice) => `\`${choice}\``).join(' \\| ') : key.type;
    const text = key.unit ? `${key.description} (${key.unit})` : key.description;
    const cells = [
      `\`${key.path}\``,
      type,
      shownDefault(key),
      `\`${environmentName(envPrefix, key.path)}\``,
      flag ? `\`--${flag}\`` : '',
      text.replaceAll('|', '\\|'),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| key | type | default | environment | flag | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function shownDefault(key: ConfigKey): string {
  if (key.shownDefault !== null) return key.shownDefault;
  return key.default === null ? '–' : `\`${JSON.stringify(key.default).replaceAll('|', '\\|')}\``;
}
