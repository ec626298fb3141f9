import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PROGRAM as DEVICE } from '../../agent/cli.js';
import { AGENT_FLAGS, agentConfigSchema } from '../../agent/config.js';
import { PROGRAM as SERVER } from '../../cloud-stub/cli.js';
import { CLOUD_FLAGS, cloudConfigSchema } from '../../cloud-stub/config.js';
import { completionScript } from '../../common/cli/completion.js';
import { configKeys } from '../../common/config/keys.js';
import { configMarkdown } from '../../common/config/markdown.js';
import { ERROR_CODES } from '../../common/errors.js';
import { DEVICE_MODES } from '../../common/policy-names.js';
import { packageVersion } from '../../common/version.js';
import { ruleOf } from '../../mux/rules/policies/registry.js';
import { manPage } from './man.js';

/** Generated files by name. `--check` compares them with what is there instead of writing. */
const PAGES: Record<string, () => string | Promise<string>> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
  'docs/man/edgemux.1': deviceManual,
  'docs/man/edgemux-cloud.1': serverManual,
  'docs/completion/edgemux': () => completionScript(DEVICE, 'bash'),
  'docs/completion/edgemux-cloud': () => completionScript(SERVER, 'bash'),
  'docs/completion/_edgemux': () => completionScript(DEVICE, 'zsh'),
  'docs/completion/_edgemux-cloud': () => completionScript(SERVER, 'zsh'),
};

function configurationPage(): string {
  return `# Configuration

Generated from the schemas in \`agent/config.ts\` and \`cloud-stub/config.ts\` by \`npm run docs\`; do not edit.

A value is taken from the command line, else from the environment, else from the YAML file named by \`--config\`
(or \`EDGEMUX_CONFIG\`, \`EDGEMUX_CLOUD_CONFIG\`), else it is the default. Keys that do not exist are refused with the
nearest one named. In the file, \`offload.deadlineMs\` is written as a section:

\`\`\`yaml
offload:
  deadlineMs: 500
\`\`\`

One variable is no key: \`EDGEMUX_ORT\` names another build of onnxruntime-node for both programs, by package name or
path (1.11.0, of JetPack 4.6, to 1.22). Empty or unset: the one that is shipped.

## edgemux (device)

${configMarkdown(agentConfigSchema, 'EDGEMUX', AGENT_FLAGS)}

### Policies

What \`policy.mode\` may be. Thresholds come from the zoo unless they are set; [docs/protocol.md](protocol.md) says how to change them while
the daemon runs.

| mode | asks the mux | needs a local model | what it does |
|---|---|---|---|
${policyRows()}

## edgemux-cloud (server)

${configMarkdown(cloudConfigSchema, 'EDGEMUX_CLOUD', CLOUD_FLAGS)}
`;
}

function policyRows(): string {
  const yes = (needed: boolean): string => (needed ? 'yes' : 'no');
  return DEVICE_MODES.map((mode) => {
    const { help, asksMux, asksLocal } = ruleOf(mode);
    return `| \`${mode}\` | ${yes(asksMux)} | ${yes(asksLocal)} | ${help} |`;
  }).join('\n');
}

function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, text]) => `| \`${code}\` | ${text} |`);
  return `# Error codes

Generated from \`common/errors.ts\` by \`npm run docs\`; do not edit. Logs, MQTT answers and exit messages name them.

| code | meaning |
|---|---|
${rows.join('\n')}
`;
}

function deviceManual(): Promise<string> {
  return manPage({
    program: DEVICE,
    title: 'answer camera frames here, or by a server where that is better',
    version: packageVersion(),
    keys: configKeys(agentConfigSchema),
    flags: AGENT_FLAGS,
    envPrefix: 'EDGEMUX',
    hangUp:
      'Without a terminal: the configuration is read again. In a terminal, which is then gone: as SIGTERM.',
    files: [
      ['/etc/edgemux/device.yaml', 'configuration of the installed service'],
      ['/etc/edgemux/environment', 'its environment'],
      ['/var/lib/edgemux/', 'its journal'],
    ],
    seeAlso: ['edgemux-cloud(1)', 'mosquitto(8)', 'systemctl(1)', 'journalctl(1)'],
  });
}

function serverManual(): Promise<string> {
  return manPage({
    program: SERVER,
    title: 'answer the frames that edgemux devices find too hard',
    version: packageVersion(),
    keys: configKeys(cloudConfigSchema),
    flags: CLOUD_FLAGS,
    envPrefix: 'EDGEMUX_CLOUD',
    hangUp: 'Without a terminal: the zoo is loaded again. In a terminal, which is then gone: as SIGTERM.',
    files: [
      ['/etc/edgemux/server.yaml', 'configuration of the installed service'],
      ['/etc/edgemux/environment', 'its environment'],
      ['/var/cache/edgemux-cloud/', "kernels that CUDA compiled, and TensorRT's engines"],
    ],
    seeAlso: ['edgemux(1)', 'mosquitto(8)', 'systemctl(1)', 'journalctl(1)'],
  });
}

const check = process.argv.includes('--check');
let stale = false;
for (const [file, page] of Object.entries(PAGES)) {
  const text = await page();
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    stale = true;
    process.stderr.write(`${file} is not what the code says: run "npm run docs" and commit it\n`);
  }
}
process.exitCode = stale ? 1 : 0;
