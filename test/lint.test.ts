import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ESLint } from 'eslint';
import t, { type Test } from 'tap';
import { FOLDERS } from './support/sources.js';

const CONFIG = resolve('eslint.config.js');
const ROOMS = 'edgemux/rooms';
const CIRCLES = 'edgemux/no-circles';
const SPREADS = 'edgemux/no-spread-literal';

/** What one of our own rules says of a text that stands in a file. */
async function complaints(
  rule: string,
  filePath: string,
  code: string,
  lint = new ESLint(),
): Promise<string[]> {
  const [result] = await lint.lintText(code, { filePath });
  const messages = result?.messages ?? [];
  const fatal = messages.find((message) => message.fatal);
  if (fatal) throw new Error(`${code}: ${fatal.message}`);
  return messages.filter(({ ruleId }) => ruleId === rule).map(({ message }) => message);
}

/** Every form in which TypeScript names another file or package. */
const FORMS: Record<string, (name: string) => string> = {
  'import for its effects': (name) => `import '${name}';\n`,
  'static import': (name) => `import { x } from '${name}';\nx();\n`,
  'import of a type': (name) => `import type { X } from '${name}';\nexport type Y = X;\n`,
  'export … from': (name) => `export { x } from '${name}';\n`,
  'export of a type': (name) => `export type { X } from '${name}';\n`,
  'export *': (name) => `export * from '${name}';\n`,
  'export * as': (name) => `export * as x from '${name}';\n`,
  'dynamic import': (name) => `export const x = () => import('${name}');\n`,
  'dynamic import of a template': (name) => `export const x = await import(\`${name}\`);\n`,
  'type of an import': (name) => `export type X = import('${name}').X;\n`,
  'typeof an import': (name) => `export type X = typeof import('${name}');\n`,
  'import x = require': (name) => `import x = require('${name}');\nx();\n`,
  require: (name) => `export const x = require('${name}');\n`,
  createRequire: (name) => `export const x = createRequire(import.meta.url)('${name}');\n`,
  'import.meta.resolve': (name) => `export const x = import.meta.resolve('${name}');\n`,
};
const PROGRAM_FORMS: Record<string, (name: string) => string> = {
  'new URL': (name) => `export const x = new URL('${name}', import.meta.url);\n`,
  'new URL of a template': (name) => `export const x = new URL(\`${name}\`, import.meta.url);\n`,
  'new Worker': (name) => `export const x = new Worker(new URL('${name}', import.meta.url));\n`,
  'globalThis.URL': (name) => `export const x = new globalThis.URL('${name}', import.meta.url);\n`,
};

t.test('no form of naming a file reaches a folder that the import rule closes', async (t) => {
  for (const [form, write] of Object.entries({ ...FORMS, ...PROGRAM_FORMS })) {
    const wrong = await complaints(ROOMS, 'agent/x.ts', write('../cloud-stub/server.js'));
    t.match(wrong, ['agent/ must not import cloud-stub/ (see ARCHITECTURE.md).'], form);
    t.equal(wrong.length, 1, `${form}: told once`);
    t.same(
      await complaints(ROOMS, 'agent/x.ts', write('../protocol/topics.js')),
      [],
      `${form}: what is allowed`,
    );
  }
});

t.test('leaves import none of ours, agent and server never meet, only commands reach the lab', async (t) => {
  const closed: [file: string, imported: string][] = [
    ['agent/frames/x.ts', '../../cloud-stub/server.js'],
    ['agent/x.ts', '../lab/report/command.js'],
    ['agent/doctor/x.ts', '../../lab/eval/command.js'],
    ['cloud-stub/x.ts', '../agent/daemon.js'],
    ['cloud-stub/x.ts', '../lab/eval/choices.js'],
    ['cloud-stub/x.ts', '../energy/meter.js'],
    ['lab/measure/run/x.ts', '../../../agent/config.js'],
    ['lab/demo/programs.ts', '../../agent/daemon.js'],
    ['lab/x.ts', '../cloud-stub/server.js'],
    ['energy/x.ts', '../mux/zoo/zoo.js'],
    ['energy/x.ts', '../journal/reader.js'],
    ['journal/x.ts', '../protocol/messages.js'],
    ['http/x.ts', '../agent/state.js'],
    ['http/x.ts', '../cloud-stub/server.js'],
    ['http/x.ts', '../energy/meter.js'],
    ['energy/x.ts', '../http/server.js'],
    ['lab/x.ts', '../http/server.js'],
    ['mux/x.ts', '../protocol/topics.js'],
    ['mux/rules/x.ts', './../../protocol/topics.js'],
    ['drivers/x.ts', '../mux/zoo/zoo.js'],
    ['protocol/x.ts', '../drivers/rail.js'],
    ['common/x.ts', '../mux/zoo/zoo.js'],
    ['common/host/x.ts', '../../agent/config.js'],
    ['agent/x.ts', '../scripts/bench/broker.js'],
    ['mux/x.ts', '../test/support/system.js'],
    ['agent/x.mts', '../cloud-stub/server.js'],
  ];
  for (const [file, imported] of closed)
    t.equal((await complaints(ROOMS, file, `import '${imported}';\n`)).length, 1, `${file}: ${imported}`);
});

t.test('what the import rule allows passes', async (t) => {
  const open: [file: string, imported: string][] = [
    ['agent/commands/x.ts', '../../lab/report/command.js'],
    ['agent/commands/x.ts', '../config.js'],
    ['agent/cli.ts', './commands/table.js'],
    ['agent/x.ts', '../energy/meter.js'],
    ['agent/x.ts', '../http/server.js'],
    ['cloud-stub/x.ts', '../http/server.js'],
    ['http/x.ts', '../protocol/messages.js'],
    ['agent/x.ts', '../journal/journal.js'],
    ['lab/x.ts', '../journal/reader.js'],
    ['energy/x.ts', '../drivers/rail.js'],
    ['mux/rules/x.ts', '../zoo/zoo.js'],
    ['scripts/x.ts', '../test/support/system.js'],
    ['test/x.ts', '../agent/commands/table.js'],
    ['mux/x.ts', 'node:fs'],
  ];
  for (const [file, imported] of open)
    t.same(await complaints(ROOMS, file, `import '${imported}';\n`), [], `${file}: ${imported}`);
  t.same(await complaints(ROOMS, 'lab/demo/programs.ts', readFileSync('lab/demo/programs.ts', 'utf8')), []);
  const started = PROGRAM_FORMS['new URL']?.('../agent/main.js') ?? '';
  t.equal(
    (await complaints(ROOMS, 'lab/x.ts', started)).length,
    1,
    'other files of the lab start no program',
  );
});

t.test("the daemon's files do not reach the lab by way of the commands", async (t) => {
  t.match(await complaints(ROOMS, 'agent/daemon.ts', "import './commands/table.js';\n"), [
    /one way in: agent\/cli/,
  ]);
  t.match(await complaints(ROOMS, 'agent/frames/x.ts', "import '../commands/table.js';\n"), [/one way in/]);
});

t.test('a name that is put together at run time, or does not start with a dot, is refused', async (t) => {
  for (const code of [
    'export const x = (name: string) => import(name);\n',
    'export const x = (name: string) => import(`../${name}/server.js`);\n',
    "export const x = (name: string) => import('../' + name);\n",
    'export const x = (name: string) => import.meta.resolve(name);\n',
    'export const x = (name: string) => new URL(name, import.meta.url);\n',
    'export const x = (name: string) => new Worker(new URL(`../${name}.js`, import.meta.url));\n',
    "import '/opt/edgemux/dist/cloud-stub/server.js';\n",
    "import 'file:///opt/edgemux/dist/cloud-stub/server.js';\n",
  ])
    t.equal((await complaints(ROOMS, 'agent/x.ts', code)).length, 1, code);
  const address = 'export const x = (url: string) => [new URL(url), new URL(import.meta.url)];\n';
  t.same(await complaints(ROOMS, 'agent/x.ts', address), [], 'a URL that names no file of ours');
});

t.test('each outside package has one door, in every form; zod is free', async (t) => {
  for (const [form, write] of Object.entries(FORMS)) {
    t.same(
      await complaints(ROOMS, 'agent/x.ts', write('sharp')),
      ['sharp has one door: mux/image/sharp.ts.'],
      form,
    );
    t.same(await complaints(ROOMS, 'mux/image/sharp.ts', write('sharp')), [], `${form}: its door`);
    t.same(await complaints(ROOMS, 'agent/x.ts', write('zod')), [], `${form}: zod`);
  }
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    (name) => name !== 'zod',
  ))
    t.equal((await complaints(ROOMS, 'agent/x.ts', `import '${name}';\n`)).length, 1, name);
  t.equal(
    (await complaints(ROOMS, 'agent/x.ts', "import 'echarts/core';\n")).length,
    1,
    'a part of a package',
  );
  t.match(
    await complaints(ROOMS, 'agent/x.ts', "import 'left-pad';\n"),
    [/has no door/],
    'a package that is new',
  );
  t.match(await complaints(ROOMS, 'agent/x.ts', "import { createRequire } from 'module';\n"), [/one door/]);
});

/** A tree on a disk, linted with our own configuration. */
function treeOf(t: Test, files: Record<string, string>): ESLint {
  const root = t.testdir();
  for (const folder of [...FOLDERS, 'scripts', 'test']) mkdirSync(join(root, folder));
  for (const [file, code] of Object.entries(files)) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), code);
  }
  return new ESLint({ cwd: root, overrideConfigFile: CONFIG });
}

t.test(
  'files that import each other in a circle are refused, whatever the form and the length',
  async (t) => {
    for (const [form, write] of Object.entries(FORMS)) {
      if (['createRequire', 'import.meta.resolve'].includes(form)) continue; // closed by the doors of node:module
      const files = {
        'mux/a.ts': write('./rules/b.js'),
        'mux/rules/b.ts': write('../c.js'),
        'mux/c.ts': write('./a.js'),
        'mux/outside.ts': write('./a.js'),
      };
      await t.test(form, async (t) => {
        const lint = treeOf(t, files);
        const of = (file: keyof typeof files): Promise<string[]> =>
          complaints(CIRCLES, join(t.testdirName, file), files[file], lint);
        t.same(await of('mux/a.ts'), [
          'imports go in a circle: mux/a.ts → mux/rules/b.ts → mux/c.ts → mux/a.ts',
        ]);
        t.equal((await of('mux/rules/b.ts')).length, 1);
        t.same(await of('mux/outside.ts'), [], 'a file that only leads into the circle is none of it');
      });
    }
  },
);

t.test(
  'two files of types that name each other are a circle, and so is a file that names itself',
  async (t) => {
    const a = "import type { B } from './b.js';\nexport interface A {\n  b: B;\n}\n";
    const b = "import type { A } from './a.js';\nexport interface B {\n  a: A;\n}\n";
    const own = "export * from './own.js';\n";
    const lint = treeOf(t, { 'mux/a.ts': a, 'mux/b.ts': b, 'mux/own.ts': own });
    const say = (file: string, code: string) =>
      complaints(CIRCLES, join(t.testdirName, 'mux', file), code, lint);
    t.same(await say('a.ts', a), ['imports go in a circle: mux/a.ts → mux/b.ts → mux/a.ts']);
    t.same(await say('b.ts', b), ['imports go in a circle: mux/b.ts → mux/a.ts → mux/b.ts']);
    t.same(await say('own.ts', own), ['imports go in a circle: mux/own.ts → mux/own.ts']);
  },
);

t.test('a worker that imports the file which starts it is no circle', async (t) => {
  const link = "export const x = new Worker(new URL('./worker.js', import.meta.url));\n";
  const worker = "import { x } from './link.js';\nx.ref();\n";
  const lint = treeOf(t, { 'mux/link.ts': link, 'mux/worker.ts': worker });
  t.same(await complaints(CIRCLES, join(t.testdirName, 'mux/link.ts'), link, lint), []);
  t.same(await complaints(CIRCLES, join(t.testdirName, 'mux/worker.ts'), worker, lint), []);
});

t.test('a spread literal is refused, also behind an assertion; spreads of values pass', async (t) => {
  const refused = [
    '{ ...{ a, b } }',
    '{ c: 1, ...{ a } }',
    '{ ...({ a } as object) }',
    '{ ...(<object>{ a }) }',
    '{ ...({ a } satisfies object) }',
    '{ ...{} }',
  ];
  for (const literal of refused)
    t.equal((await complaints(SPREADS, 'mux/x.ts', `export const x = ${literal};\n`)).length, 1, literal);
  for (const literal of ['{ ...a, b }', '{ ...(a ? { b } : {}) }', '{ a, b }', 'f(...[a, b])'])
    t.same(await complaints(SPREADS, 'mux/x.ts', `export const x = ${literal};\n`), [], literal);
  const [fixed] = await new ESLint({ fix: true }).lintText('export const x = { ...{ a, b }, c };\n', {
    filePath: 'mux/x.ts',
  });
  t.equal(fixed?.output, 'export const x = { a, b, c };\n', 'and written out by --fix');
});
