import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import t from 'tap';
import { PROGRAM as DEVICE } from '../../../agent/cli.js';
import { AGENT_FLAGS, agentConfigSchema } from '../../../agent/config.js';
import { PROGRAM as SERVER } from '../../../cloud-stub/cli.js';
import { CLOUD_FLAGS, cloudConfigSchema } from '../../../cloud-stub/config.js';
import { describedCommands, type Program } from '../../../common/cli/command.js';
import { configKeys, environmentName } from '../../../common/config/keys.js';
import { manPage } from '../../../scripts/docs/man.js';

const noGroff = spawnSync('groff', ['--version']).error ? 'groff is missing' : false;

const PAGES = [
  { program: DEVICE, keys: configKeys(agentConfigSchema), flags: AGENT_FLAGS, envPrefix: 'EDGEMUX' },
  { program: SERVER, keys: configKeys(cloudConfigSchema), flags: CLOUD_FLAGS, envPrefix: 'EDGEMUX_CLOUD' },
];

/** The page as a terminal shows it, on lines so long that none is broken. */
function shown(roff: string): { text: string; warnings: string } {
  const args = ['-man', '-ww', '-Tutf8', '-Kutf8', '-P-cbou', '-rLL=2000n', '-rHY=0'];
  const { stdout, stderr } = spawnSync('groff', args, { encoding: 'utf8', input: roff });
  return { text: stdout.replaceAll('‐', '-'), warnings: stderr };
}

for (const { program, ...rest } of PAGES) {
  t.test(
    `the manual of ${program.name} names every command, option and key, and groff has nothing against it`,
    { skip: noGroff },
    async (t) => {
      const about = { title: 'a title', version: '1.2.3', hangUp: '.', files: [], seeAlso: ['x(1)'] };
      const { text, warnings } = shown(await manPage({ program, ...about, ...rest }));
      t.equal(warnings, '');
      t.match(text, new RegExp(`NAME\\s+${program.name} +- a title`));
      await hasAll(text, program);
      for (const { path } of rest.keys) t.ok(text.includes(environmentName(rest.envPrefix, path)), path);
    },
  );

  async function hasAll(text: string, { name, commands }: Program): Promise<void> {
    for (const { path, options } of await describedCommands(commands)) {
      const from = text.indexOf(`\n   ${name} ${path.join(' ')}\n`);
      t.ok(from > 0, path.join(' '));
      for (const option of Object.keys(options))
        t.ok(text.indexOf(`--${option}`, from) > 0, `${path.join(' ')} --${option}`);
    }
  }
}

t.test('words that are roff’s own come out as they are', { skip: noGroff }, async (t) => {
  const program: Program = {
    name: 'edgemux',
    describe: ".TH is a request, \\fB is bold -- and 'tis text.",
    examples: [['edgemux a\\b', "'single"]],
    options: {},
    commands: [],
  };
  const { text, warnings } = shown(
    await manPage({
      program,
      title: 't',
      version: '1',
      keys: [],
      flags: {},
      envPrefix: 'EDGEMUX',
      hangUp: '.begins with a dot',
      files: [],
      seeAlso: [],
    }),
  );
  t.equal(warnings, '');
  t.match(text, "\n       .TH is a request, \\fB is bold -- and 'tis text.\n");
  t.match(text, 'edgemux a\\b');
  t.match(text, "'single");
  t.match(text, '.begins with a dot');
});

t.test('the generated files are what the code says', async (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['dist/scripts/docs/main.js', '--check'], {
    encoding: 'utf8',
  });
  t.equal(status, 0, stderr);
  for (const file of ['docs/man/edgemux.1', 'docs/man/edgemux-cloud.1']) t.ok(existsSync(file), file);
});
