import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { EdgemuxError, messageOf } from '../errors.js';
import { configKeys, environmentName, type ConfigKey } from './keys.js';
import { withoutCredentials, withoutUserPart } from '../redact.js';
import { nearestName } from './nearest.js';

type Tree = Record<string, unknown>;

/** YAML errors quote the lines around them otherwise. */
const QUOTE_NOTHING = { prettyErrors: false, logLevel: 'error' } as const;

/** Of a wrong value in an error, in characters. */
const MOST_SHOWN = 200;

export interface ConfigSources {
  /** YAML file, or null for none. */
  file: string | null;
  env: NodeJS.ProcessEnv;
  /** `EDGEMUX` or `EDGEMUX_CLOUD`. */
  envPrefix: string;
  /** Variables under the prefix that mean something else (other programs, the file's own path). */
  envIgnored?: readonly RegExp[];
  /** Values given on the command line by dotted path; undefined ones are absent. */
  flags: Record<string, unknown>;
}

/**
 * Merges file, environment and flags (later wins) and checks them against the one schema of a program.
 * @throws EdgemuxError CONFIG_UNREADABLE, CONFIG_UNKNOWN_KEY or CONFIG_INVALID, naming source, key, value, remedy
 */
export function loadConfig<S extends z.ZodType>(schema: S, sources: ConfigSources): z.output<S> {
  const keys = configKeys(schema);
  const tree: Tree = {};
  const origin = new Map<string, string>();
  const take = (path: string, value: unknown, from: string): void => {
    setPath(tree, path, value);
    origin.set(path, from);
  };
  for (const [path, value] of fromFile(sources.file, keys)) take(path, value, sources.file ?? '');
  for (const [path, value, name] of fromEnvironment(sources, keys)) take(path, value, name);
  for (const [path, value] of Object.entries(sources.flags)) {
    if (value !== undefined) take(path, value, 'the command line');
  }
  const parsed = schema.safeParse(tree);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error, tree, keys, origin);
}

function fromFile(file: string | null, keys: ConfigKey[]): [string, unknown][] {
  if (file === null) return [];
  let content: unknown;
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
    content = parseYaml(text, QUOTE_NOTHING);
  } catch (error) {
    throw new EdgemuxError(
      'CONFIG_UNREADABLE',
      `cannot read configuration file ${file}: ${reasonOf(error, text)}`,
      {
        cause: error,
      },
    );
  }
  if (content === null || content === undefined) return [];
  if (!isTree(content)) {
    throw new EdgemuxError('CONFIG_INVALID', `configuration file ${file} must hold keys and values`);
  }
  return flatten(content, '', keys, file);
}

/** Walks a parsed file down to the schema's leaves; a name that leads nowhere is refused with its neighbour. */
function flatten(tree: Tree, prefix: string, keys: ConfigKey[], file: string): [string, unknown][] {
  return Object.entries(tree).flatMap(([name, value]): [string, unknown][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (keys.some((key) => key.path === path)) return [[path, value]];
    if (keys.some((key) => key.path.startsWith(`${path}.`))) {
      if (value === null) return [];
      if (isTree(value)) return flatten(value, path, keys, file);
      throw new EdgemuxError(
        'CONFIG_INVALID',
        `${path} in ${file} is a section with keys of its own, not a value (got ${shown(value)})`,
      );
    }
    throw unknownKey(path, file, keys);
  });
}

function unknownKey(path: string, file: string, keys: ConfigKey[]): EdgemuxError {
  const sections = keys.flatMap((key) =>
    key.path.split('.').map((_, i, all) => all.slice(0, i + 1).join('.')),
  );
  const near = nearestName(path, [...new Set(sections)]);
  const hint = near === null ? 'docs/configuration.md lists all keys' : `did you mean "${near}"?`;
  return new EdgemuxError(
    'CONFIG_UNKNOWN_KEY',
    `unknown key "${withoutUserPart(path)}" in ${file}: ${hint}`,
    {
      details: { key: withoutUserPart(path), file, nearest: near },
    },
  );
}

function fromEnvironment(sources: ConfigSources, keys: ConfigKey[]): [string, unknown, string][] {
  const known = new Map(keys.map((key) => [environmentName(sources.envPrefix, key.path), key]));
  const found: [string, unknown, string][] = [];
  for (const [name, text] of Object.entries(sources.env)) {
    if (!name.startsWith(`${sources.envPrefix}_`) || text === undefined) continue;
    if (sources.envIgnored?.some((pattern) => pattern.test(name))) continue;
    const key = known.get(name);
    if (!key) {
      const near = nearestVariable(name, sources.envPrefix, [...known.keys()]);
      const hint = near === null ? 'docs/configuration.md lists all names' : `did you mean "${near}"?`;
      throw new EdgemuxError('CONFIG_UNKNOWN_KEY', `unknown environment variable ${name}: ${hint}`, {
        details: { key: name, file: 'environment', nearest: near },
      });
    }
    found.push([key.path, fromText(text, key, name), name]);
  }
  return found;
}

/** The nearest of the names behind the prefix, which all have in common. */
function nearestVariable(wrong: string, prefix: string, known: readonly string[]): string | null {
  const own = (name: string): string => name.slice(prefix.length + 1);
  const near = nearestName(own(wrong), known.map(own));
  return near === null ? null : `${prefix}_${near}`;
}

function fromText(text: string, key: ConfigKey, source: string): unknown {
  if (key.type === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (key.type === 'boolean' && /^(true|false|1|0|yes|no)$/i.test(text)) return /^(true|1|yes)$/i.test(text);
  if (key.type === 'object' || (key.type === 'list' && /^\s*\[/.test(text))) return parseInline(text, source);
  return key.type === 'list' ? text.split(',').map((item) => item.trim()) : text;
}

function parseInline(text: string, source: string): unknown {
  try {
    return parseYaml(text, QUOTE_NOTHING);
  } catch (error) {
    throw new EdgemuxError('CONFIG_INVALID', `${source} holds no valid YAML: ${reasonOf(error, text)}`, {
      cause: error,
    });
  }
}

/** What is wrong with a text: a YAML error says its line without quoting it, for passwords stand in lines. */
function reasonOf(error: unknown, text: string): string {
  const [position] = (error as { pos?: readonly [number, number] }).pos ?? [];
  const where = position === undefined ? '' : ` in line ${text.slice(0, position).split('\n').length}`;
  return `${withoutCredentials(messageOf(error))}${where}`;
}

function invalid(
  error: z.ZodError,
  tree: Tree,
  keys: ConfigKey[],
  origin: Map<string, string>,
): EdgemuxError {
  const lines = error.issues.map((issue) => {
    const path = issue.path.join('.');
    const from = [...origin].find(([key]) => path === key || path.startsWith(`${key}.`))?.[1];
    const value = getPath(tree, issue.path);
    const key = keys.find((candidate) => candidate.path === path);
    const got = value === undefined ? '' : ` (got ${shown(value)}${from ? ` from ${from}` : ''})`;
    const remedy = key?.choices ? `; choose one of ${key.choices.join(', ')}` : '';
    return `${path || 'configuration'}: ${issue.message}${got}${remedy}`;
  });
  return new EdgemuxError('CONFIG_INVALID', lines.join('\n'), { cause: error });
}

/** YAML can hold what refers to itself, which JSON cannot. */
function jsonOf(value: unknown): string {
  try {
    const hide = (_: string, part: unknown): unknown =>
      typeof part === 'string' ? withoutUserPart(part) : part;
    return JSON.stringify(value, hide) ?? String(value);
  } catch {
    return inspect(value, { breakLength: Infinity });
  }
}

/** A value for an error: one line of it, and no password of a URL. */
function shown(value: unknown): string {
  const text = withoutCredentials(jsonOf(value));
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setPath(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? path;
  let node = tree;
  for (const name of names) {
    if (!isTree(node[name])) node[name] = {};
    node = node[name] as Tree;
  }
  node[last] = value;
}

function getPath(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (node, name) => (node as Record<PropertyKey, unknown> | undefined)?.[name],
    tree,
  );
}
