import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import * as m from '../../protocol/messages.js';

const page = readFileSync(fileURLToPath(new URL('../../../docs/protocol.md', import.meta.url)), 'utf8');

/** The reader of each kind of example in docs/protocol.md. */
const READERS: Record<string, (payload: Buffer) => object> = {
  result: m.parseResult,
  answer: (payload) =>
    m.parseAnswer(payload, { frameId: '01JDCP5Z3V8Q0W6T2S9K4N7M1R', classes: 3, zooHash: '5f1c0a' }),
  'error-answer': (payload) => m.parseAnswer(payload, { frameId: '01JDCP5Z3V8Q0W6T2S9K4N7M1R', classes: 3 }),
  policy: m.parseDevicePolicyReport,
  'policy-error': m.parseDevicePolicyReport,
  'policy-patch': m.parseDevicePolicyPatch,
  'server-status': m.parseServerStatus,
  state: m.parseDeviceState,
  power: m.parsePowerMessage,
};

t.test(
  'every example of the contract page is what its schema describes, with no field too many',
  async (t) => {
    const examples = [...page.matchAll(/^```json (\S+)\n(.*?)^```/gms)];
    t.same(new Set(examples.map(([, kind]) => kind)), new Set(Object.keys(READERS)));
    for (const [, kind = '', text = ''] of examples) {
      t.same(READERS[kind]?.(Buffer.from(text)), JSON.parse(text), kind);
    }
  },
);

t.test('every route and every reason is explained on the contract page', async (t) => {
  for (const word of [...m.ROUTES, ...m.REASONS]) t.match(page, `| \`${word}\` |`);
});
