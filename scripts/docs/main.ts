import { readFileSync, writeFileSync } from 'node:fs';
import { AGENT_FLAGS, agentConfigSchema } from '../../agent/config.js';
import { CLOUD_FLAGS, cloudConfigSchema } from '../../cloud-stub/config.js';
import { configMarkdown } from '../../common/config/markdown.js';
import { ERROR_CODES } from '../../common/errors.js';
import { DEVICE_MODES } from '../../common/policy-names.js';
import { ruleOf } from '../../mux/rules/policies/registry.js';

/** Generated pages by file name. `--check` compares them with what is there instead of writing. */
const PAGES: Record<string, () => string> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
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

const check = process.argv.includes('--check');
let stale = false;
for (const [file, page] of Object.entries(PAGES)) {
  const text = page();
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    stale = true;
    process.stderr.write(`${file} is not what the code says: run "npm run docs" and commit it\n`);
  }
}
process.exitCode = stale ? 1 : 0;
