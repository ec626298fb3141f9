import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The import rule: which of our folders a folder may import. `drivers`, `mux` and `protocol` are leaves over
 * `common`; `agent` and `cloud-stub` never meet; models and scripts/train are reached through files only.
 */
const MAY_IMPORT = {
  common: [],
  drivers: ['common'],
  mux: ['common'],
  protocol: ['common'],
  agent: ['common', 'drivers', 'mux', 'protocol'],
  'cloud-stub': ['common', 'mux', 'protocol'],
};
const ROOMS = [...Object.keys(MAY_IMPORT), 'scripts', 'test'];

/** The one-door rule: each outside package is imported by the files named here and by no other. */
const DOORS = {
  'onnxruntime-node': ['mux/binding.ts'],
  'onnxruntime-node-1\\.11': ['test/**'],
  protobufjs: ['mux/onnx-file.ts', 'test/**'],
  echarts: ['agent/charts/echarts-door.ts'],
  '@saehrimnir/druidjs': ['agent/report/campaign/tsne.ts'],
  'i2c-bus': ['drivers/i2c-door.ts'],
  mqtt: ['protocol/mqtt-door.ts'],
  systeminformation: ['agent/host.ts'],
  yargs: ['agent/cli.ts', 'cloud-stub/cli.ts', 'scripts/**', 'agent/main.ts', 'cloud-stub/main.ts'],
  sharp: ['mux/image.ts', 'scripts/**', 'test/**'],
  'better-sqlite3': ['agent/journal-file.ts', 'agent/journal-reader.ts', 'agent/measure/store/**', 'test/**'],
  aedes: ['agent/demo/broker.ts', 'test/**', 'scripts/**'],
  pino: ['common/log.ts'],
  yaml: ['common/config/**', 'test/**'],
};

/** `no-restricted-imports` patterns for the files of one folder, or of one file in it. */
function restrictions(room, file) {
  const allowed = MAY_IMPORT[room];
  const rooms = allowed
    ? ROOMS.filter((other) => other !== room && !allowed.includes(other)).map((other) => ({
        regex: `^(\\.\\./)+${other}/`,
        message: `${room}/ must not import ${other}/ (see ARCHITECTURE.md).`,
      }))
    : [];
  const doors = Object.entries(DOORS)
    .filter(([, files]) => !files.some((door) => matches(door, file ?? `${room}/any.ts`)))
    .map(([name, files]) => ({
      regex: `^${name}(/.*)?$`,
      message: `${name} has one door: ${files[0]}.`,
    }));
  return ['error', { patterns: [...rooms, ...doors] }];
}

function matches(door, file) {
  return door.endsWith('/**') ? file.startsWith(door.slice(0, -2)) : door === file;
}

const doorFiles = [...new Set(Object.values(DOORS).flat())].filter((f) => !f.endsWith('/**'));
const doorFolders = [...new Set(Object.values(DOORS).flat())]
  .filter((f) => f.endsWith('/**') && f !== 'scripts/**' && f !== 'test/**')
  .map((f) => f.slice(0, -3));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', '.tap/', '.cache/', 'demo-out/', 'eval-out/', 'campaign/'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 200, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Inject a seeded source instead.' },
      ],
    },
  },
  ...ROOMS.map((room) => ({
    files: [`${room}/**/*.ts`],
    rules: { 'no-restricted-imports': restrictions(room) },
  })),
  ...doorFolders.map((folder) => ({
    files: [`${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': restrictions(folder.split('/')[0], `${folder}/x.ts`) },
  })),
  ...doorFiles.map((file) => ({
    files: [file],
    rules: { 'no-restricted-imports': restrictions(file.split('/')[0], file) },
  })),
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
);
