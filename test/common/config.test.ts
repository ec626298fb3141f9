import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { configKeys, environmentName } from '../../common/config/keys.js';
import { loadConfig, type ConfigSources } from '../../common/config/load.js';
import { configMarkdown } from '../../common/config/markdown.js';

const schema = z.strictObject({
  device: z.string().default('d1').meta({ description: 'name' }),
  offload: z
    .strictObject({
      deadlineMs: z.number().min(10).default(500).meta({ unit: 'ms', description: 'deadline' }),
      tries: z.enum(['one', 'many']).default('one').meta({ description: 'how often' }),
    })
    .prefault({}),
  cameras: z
    .strictObject({
      topics: z.array(z.string()).default(['a/{camera}']).meta({ description: 'where' }),
      enabled: z.boolean().default(true).meta({ description: 'whether' }),
    })
    .prefault({}),
});

function yamlFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'edgemux-config-')), 'config.yaml');
  writeFileSync(file, text);
  return file;
}

function load(sources: Partial<ConfigSources>): z.output<typeof schema> {
  return loadConfig(schema, { file: null, env: {}, envPrefix: 'EDGEMUX', flags: {}, ...sources });
}

t.test('defaults hold where nothing is set', async (t) => {
  t.match(load({}), { device: 'd1', offload: { deadlineMs: 500 }, cameras: { topics: ['a/{camera}'] } });
});

t.test('a file that refers to itself is refused like any other wrong value', async (t) => {
  const file = yamlFile('device: &self {inner: *self}\n');
  t.throws(() => load({ file }), { code: 'CONFIG_INVALID', message: /device: .*Circular/ });
});

t.test('flags win over the environment, and the environment over the file', async (t) => {
  const file = yamlFile('device: file\noffload:\n  deadlineMs: 100\n  tries: many\n');
  const env = { EDGEMUX_OFFLOAD_DEADLINE_MS: '200', EDGEMUX_DEVICE: 'env', UNRELATED: 'x' };
  const config = load({ file, env, flags: { device: 'flag', 'cameras.topics': undefined } });
  t.match(config, { device: 'flag', offload: { deadlineMs: 200, tries: 'many' } });
});

t.test('a misspelt key is refused with its name, the file and the nearest valid key', async (t) => {
  const file = yamlFile('offload:\n  deadlineMS: 100\n');
  t.throws(() => load({ file }), {
    code: 'CONFIG_UNKNOWN_KEY',
    message: `unknown key "offload.deadlineMS" in ${file}: did you mean "offload.deadlineMs"?`,
  });
  t.throws(() => load({ file: yamlFile('ofload:\n  deadlineMs: 1\n') }), {
    message: /did you mean "offload"/,
  });
});

t.test('a misspelt environment variable is refused with the nearest one', async (t) => {
  t.throws(() => load({ env: { EDGEMUX_DEVISE: 'x' } }), {
    code: 'CONFIG_UNKNOWN_KEY',
    message: /EDGEMUX_DEVISE: did you mean "EDGEMUX_DEVICE"/,
  });
  t.doesNotThrow(() => load({ env: { EDGEMUX_CLOUD_SERVER: 'x' }, envIgnored: [/^EDGEMUX_CLOUD_/] }));
});

t.test(
  'a value out of its range names the key, the value, where it came from and what is allowed',
  async (t) => {
    t.throws(() => load({ env: { EDGEMUX_OFFLOAD_DEADLINE_MS: '5' } }), {
      code: 'CONFIG_INVALID',
      message: /offload\.deadlineMs: .*10.*got 5 from EDGEMUX_OFFLOAD_DEADLINE_MS/,
    });
    t.throws(() => load({ flags: { 'offload.tries': 'few' } }), {
      message: /offload\.tries: .*"few" from the command line.*choose one of one, many/,
    });
    t.throws(() => load({ env: { EDGEMUX_OFFLOAD_DEADLINE_MS: 'soon' } }), { message: /got "soon"/ });
  },
);

t.test('text from the environment becomes numbers, booleans and lists by the type of its key', async (t) => {
  const env = { EDGEMUX_CAMERAS_TOPICS: 'a/{camera}, b/{camera}', EDGEMUX_CAMERAS_ENABLED: 'no' };
  t.match(load({ env }), { cameras: { topics: ['a/{camera}', 'b/{camera}'], enabled: false } });
});

t.test(
  'a section given as a value, a broken file and a missing file are refused with the file named',
  async (t) => {
    const section = yamlFile('offload: 5\n');
    t.throws(() => load({ file: section }), {
      code: 'CONFIG_INVALID',
      message: new RegExp(`offload in ${section}`),
    });
    const broken = yamlFile('offload: [');
    t.throws(() => load({ file: broken }), { code: 'CONFIG_UNREADABLE', message: new RegExp(broken) });
    t.throws(() => load({ file: '/nowhere/edgemux.yaml' }), {
      code: 'CONFIG_UNREADABLE',
      message: /nowhere/,
    });
  },
);

t.test('an empty file means defaults', async (t) => {
  t.match(load({ file: yamlFile('# nothing yet\n') }), { device: 'd1' });
});

t.test('keys, environment names and the reference table come from the schema', async (t) => {
  t.same(
    configKeys(schema).map((key) => [key.path, key.type, key.unit]),
    [
      ['device', 'string', null],
      ['offload.deadlineMs', 'number', 'ms'],
      ['offload.tries', 'string', null],
      ['cameras.topics', 'list', null],
      ['cameras.enabled', 'boolean', null],
    ],
  );
  t.equal(environmentName('EDGEMUX', 'offload.deadlineMs'), 'EDGEMUX_OFFLOAD_DEADLINE_MS');
  const table = configMarkdown(schema, 'EDGEMUX', { 'deadline-ms': 'offload.deadlineMs' });
  t.match(
    table,
    '| `offload.deadlineMs` | number | `500` | `EDGEMUX_OFFLOAD_DEADLINE_MS` | `--deadline-ms` | deadline (ms) |',
  );
});

t.test('a misspelt environment name is held against what comes behind the prefix', async (t) => {
  const near = (name: string): unknown => {
    try {
      return load({ env: { [name]: 'x' } });
    } catch (error) {
      return (error as { details: { nearest: unknown } }).details.nearest;
    }
  };
  t.equal(near('EDGEMUX_OFLOAD_TRIES'), 'EDGEMUX_OFFLOAD_TRIES');
  t.equal(near('EDGEMUX_CAMERA_TOPICS'), 'EDGEMUX_CAMERAS_TOPICS');
  t.equal(near('EDGEMUX_XYZZY'), null, 'nothing is near, whatever the prefix');
});
