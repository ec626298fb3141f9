import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The rooms of the product. */
export const FOLDERS = [
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

/** All of the product's sources as one text. @param except a path that is left out */
export function sources(except = ''): string {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => path.endsWith('.ts') && path !== except)
      .map((path) => readFileSync(path, 'utf8')),
  ).join('\n');
}
