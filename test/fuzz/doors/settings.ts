/** Configuration files, environment and flags of both programs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { agentConfigSchema } from '../../../agent/config.js';
import { cloudConfigSchema } from '../../../cloud-stub/config.js';
import { configKeys, environmentName } from '../../../common/config/keys.js';
import { loadConfig } from '../../../common/config/load.js';
import { CameraPattern } from '../../../protocol/topics/camera-pattern.js';
import { parseBrokerUrl } from '../../../protocol/connection/broker-url.js';
import type { Dice } from '../dice.js';
import { refusalOr, type Door } from '../door.js';
import { hostileName, hostileNumberText } from '../hostile.js';
import { mutateBytes } from '../mutate-bytes.js';
import { mutateJson } from '../mutate-json.js';

const PROGRAMS = [
  { schema: agentConfigSchema, envPrefix: 'EDGEMUX' },
  { schema: cloudConfigSchema, envPrefix: 'EDGEMUX_CLOUD' },
] as const;

/** Text that YAML understands otherwise than JSON does. */
const YAML_TRAPS = [
  'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d]',
  'device: &x {y: *x}',
  '<<: {device: a}',
  '__proto__: {device: a}',
  'device: !!js/function "function(){}"',
  'device: !!binary aGk=',
  'device: 2001-01-01',
  'device: no\noffload: {deadlineMs: .inf, window: .nan}',
  '--- a\n--- b',
  '? {a: b}\n: c',
  '%YAML 9.9\n---\ndevice: a',
  `device: ${'['.repeat(5000)}`,
];

export const settings: Door = {
  name: 'settings',
  cases: 1200,
  async open(dir) {
    const file = join(dir, 'config.yaml');
    return {
      knock(dice) {
        const { schema, envPrefix } = dice.pick(PROGRAMS);
        const [text, env] = [configText(schema.parse({}), dice), environment(schema, envPrefix, dice)];
        return refusalOr(() => {
          writeFileSync(file, text);
          const flags = dice.chance(0.2) ? { device: hostileName(dice) } : {};
          const config = loadConfig(schema, { file, env, envPrefix, flags });
          parseBrokerUrl(config.broker.url);
          if ('cameras' in config) for (const topic of config.cameras.topics) new CameraPattern(topic);
        });
      },
      async balance() {
        if (readFileSync(file).length === 0) return;
        if ('polluted' in {}) throw new Error('the prototype of all objects was changed');
      },
    };
  },
};

function configText(defaults: object, dice: Dice): Buffer {
  if (dice.chance(0.1)) return Buffer.from(dice.pick(YAML_TRAPS));
  if (dice.chance(0.5)) return Buffer.from(mutateJson(defaults, dice));
  const text = Buffer.from(stringify(defaults));
  return dice.chance(0.1)
    ? text
    : mutateBytes(
        text,
        dice,
        YAML_TRAPS.map((trap) => Buffer.from(trap)),
      );
}

function environment(
  schema: (typeof PROGRAMS)[number]['schema'],
  prefix: string,
  dice: Dice,
): Record<string, string> {
  if (dice.chance(0.5)) return {};
  const key = dice.chance(0.9) ? dice.pick(configKeys(schema)).path : hostileName(dice);
  const value = dice.pick([hostileName, hostileNumberText, () => '[', () => '{a: [1, .nan]}', () => '1,2,,'])(
    dice,
  );
  return { [environmentName(prefix, key)]: value };
}
