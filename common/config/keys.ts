import { z } from 'zod';

/** One leaf key of a configuration schema, as the schema itself describes it. */
export interface ConfigKey {
  /** Dotted path, such as `offload.deadlineMs`. */
  path: string;
  /** `string`, `number`, `boolean`, `list` or `object`; what text from the environment is converted to. */
  type: 'string' | 'number' | 'boolean' | 'list' | 'object';
  choices: string[] | null;
  default: unknown;
  /** The default in words, where its value depends on the machine. */
  shownDefault: string | null;
  unit: string | null;
  description: string;
}

interface JsonNode {
  type?: string;
  properties?: Record<string, JsonNode>;
  additionalProperties?: unknown;
  items?: JsonNode;
  enum?: unknown[];
  anyOf?: JsonNode[];
  default?: unknown;
  description?: string;
  unit?: string;
  shownDefault?: string;
}

/** All leaf keys of a schema in their order. Objects without fixed properties and lists count as leaves. */
export function configKeys(schema: z.ZodType): ConfigKey[] {
  return leaves(z.toJSONSchema(schema, { io: 'input' }) as JsonNode, '');
}

function leaves(node: JsonNode, path: string): ConfigKey[] {
  if (node.properties) {
    return Object.entries(node.properties).flatMap(([name, child]) =>
      leaves(child, path === '' ? name : `${path}.${name}`),
    );
  }
  return [describeLeaf(node, path)];
}

function describeLeaf(node: JsonNode, path: string): ConfigKey {
  const options = (node.anyOf ?? [node]).filter((option) => option.type !== 'null');
  const kind = options[0] ?? node;
  const choices = node.enum ?? kind.enum ?? (kind.type === 'array' ? kind.items?.enum : undefined);
  return {
    path,
    type: leafType(kind),
    choices: choices ? choices.map(String) : null,
    default: node.default ?? null,
    shownDefault: node.shownDefault ?? null,
    unit: node.unit ?? null,
    description: node.description ?? '',
  };
}

function leafType(node: JsonNode): ConfigKey['type'] {
  if (node.type === 'number' || node.type === 'integer') return 'number';
  if (node.type === 'boolean') return 'boolean';
  if (node.type === 'array') return 'list';
  return node.type === 'object' ? 'object' : 'string';
}

/** `offload.deadlineMs` → `EDGEMUX_OFFLOAD_DEADLINE_MS`. */
export function environmentName(prefix: string, path: string): string {
  const snake = path.replaceAll('.', '_').replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `${prefix}_${snake}`.toUpperCase();
}
