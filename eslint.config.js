import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { noCircles } from './scripts/lint/no-circles.js';
import { noSpreadLiteral } from './scripts/lint/no-spread-literal.js';
import { rooms } from './scripts/lint/rooms.js';

/**
 * The import rule: which of our folders a folder may import. `common` is below all; `drivers`, `journal`, `mux` and
 * `protocol` are leaves over it; `agent` and `cloud-stub` never meet; only commands reach the lab. models and
 * scripts/train are reached through files only. scripts/ and test/ may import anything.
 */
const MAY_IMPORT = {
  common: [],
  drivers: ['common'],
  journal: ['common'],
  mux: ['common'],
  protocol: ['common'],
  energy: ['common', 'drivers'],
  http: ['common', 'protocol'],
  lab: ['common', 'drivers', 'energy', 'journal', 'mux', 'protocol'],
  'cloud-stub': ['common', 'http', 'mux', 'protocol'],
  agent: ['common', 'drivers', 'energy', 'http', 'journal', 'mux', 'protocol'],
  'agent/commands': ['common', 'drivers', 'energy', 'http', 'journal', 'lab', 'mux', 'protocol'],
};
/** A folder with a wider rule than the folder around it → the files outside that may name it. */
const ENTRIES = { 'agent/commands': ['agent/cli.ts'] };
const FOLDERS = [
  ...new Set(Object.keys(MAY_IMPORT).map((folder) => folder.split('/')[0])),
  'scripts',
  'test',
];

/** Programs that a file starts by their path; everything else that it names is an import. */
const PROGRAMS = { 'lab/demo/programs.ts': ['agent/main.js', 'cloud-stub/main.js'] };

/**
 * The one-door rule: each outside package is imported by the files named here and by no other; one that is not named by
 * none. zod is free: schemas stand beside what they describe.
 */
const DOORS = {
  'onnxruntime-node': ['mux/inference/binding.ts'],
  'onnxruntime-node-1.11': ['test/**'],
  protobufjs: ['lab/zoo/onnx/onnx-file.ts', 'test/**'],
  echarts: ['lab/charts/echarts.ts'],
  '@saehrimnir/druidjs': ['lab/report/campaign/tsne.ts'],
  'i2c-bus': ['drivers/i2c/i2c-bus.ts', 'test/contract/power-vm-rig.ts'],
  fastify: ['http/fastify.ts'],
  'prom-client': ['http/prom-client.ts'],
  mqtt: ['protocol/connection/mqtt.ts'],
  systeminformation: ['common/host/systeminformation.ts'],
  yargs: ['common/cli/parse.ts'],
  sharp: ['mux/image/sharp.ts', 'scripts/**', 'test/**'],
  'better-sqlite3': ['journal/**', 'lab/measure/store/**', 'test/**'],
  aedes: ['lab/demo/broker.ts', 'test/**', 'scripts/**'],
  pino: ['common/log.ts'],
  'pino-pretty': ['common/log-format.ts'],
  ulid: ['protocol/messages/frame-ids.ts'],
  'image-size': ['mux/image/formats/format.ts'],
  'fastest-levenshtein': ['common/config/nearest.ts'],
  zod: ['**'],
  'node:module': ['mux/inference/binding.ts', 'drivers/i2c/i2c-bus.ts', 'test/**'], // require() sees no rule
  yaml: ['common/config/**', 'test/**'],
  eslint: ['test/lint.test.ts'],
  tap: ['test/**'],
  'fast-check': ['test/**'],
  'puppeteer-core': ['test/lab/report/support/browser.ts'],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', '.tap/', '.cache/', 'demo-out/', 'eval-out/', 'campaign/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    plugins: { edgemux: { rules: { rooms, 'no-circles': noCircles, 'no-spread-literal': noSpreadLiteral } } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Inject a seeded source instead.' },
      ],
      'edgemux/no-spread-literal': 'error',
    },
  },
  {
    files: FOLDERS.map((folder) => `${folder}/**/*.{ts,mts,cts}`),
    rules: {
      'edgemux/rooms': [
        'error',
        { mayImport: MAY_IMPORT, entries: ENTRIES, doors: DOORS, programs: PROGRAMS },
      ],
      'edgemux/no-circles': ['error', { folders: FOLDERS }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.js'],
    ignores: ['http/page/**'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
  {
    files: ['http/page/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'document',
          'fetch',
          'history',
          'location',
          'sessionStorage',
          'setInterval',
          'setTimeout',
          'TextDecoderStream',
          'URL',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);
