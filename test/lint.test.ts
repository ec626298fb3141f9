import { ESLint } from 'eslint';
import t from 'tap';

/** Rules that a line breaks when it stands in a file. */
async function rulesBroken(filePath: string, code: string): Promise<string[]> {
  const [result] = await new ESLint().lintText(code, { filePath });
  return (result?.messages ?? []).flatMap((message) =>
    message.ruleId === 'no-restricted-imports' ? [message.message] : [],
  );
}

t.test('the import rule holds: leaves import none of ours, agent and server never meet', async (t) => {
  const breaks: [string, string][] = [
    ['agent/x.ts', '../cloud-stub/server.js'],
    ['agent/demo/x.ts', '../../cloud-stub/server.js'],
    ['cloud-stub/x.ts', '../agent/daemon.js'],
    ['mux/x.ts', '../protocol/topics.js'],
    ['drivers/x.ts', '../mux/zoo.js'],
    ['protocol/x.ts', '../drivers/i2c-door.js'],
    ['common/x.ts', '../mux/zoo.js'],
  ];
  for (const [file, imported] of breaks) {
    t.equal(
      (await rulesBroken(file, `import '${imported}';\n`)).length,
      1,
      `${file} must not import ${imported}`,
    );
  }
  t.same(await rulesBroken('agent/x.ts', "import '../mux/zoo/zoo.js';\nimport '../common/log.js';\n"), []);
});

t.test('each outside package has one door', async (t) => {
  const packages = [
    'onnxruntime-node',
    'i2c-bus',
    'mqtt',
    'systeminformation',
    'yargs',
    'sharp',
    'better-sqlite3',
    'aedes',
  ];
  for (const name of packages) {
    t.equal(
      (await rulesBroken('agent/x.ts', `import '${name}';\n`)).length,
      1,
      `${name} in a file that is not its door`,
    );
  }
  t.same(await rulesBroken('mux/binding.ts', "import 'onnxruntime-node';\n"), []);
  t.same(await rulesBroken('protocol/mqtt-door.ts', "import 'mqtt';\n"), []);
  t.same(await rulesBroken('agent/cli.ts', "import 'yargs';\n"), []);
});
