/** Every reader of a message or topic, with the rule that acts on what it read. */
import { patchPolicy, policyFromManifest } from '../../../mux/rules/policy-settings.js';
import { groupPolicyOf } from '../../../mux/rules/group-settings.js';
import { loadZoo, type Zoo } from '../../../mux/zoo/zoo.js';
import { CameraPattern } from '../../../protocol/topics/camera-pattern.js';
import { parseBrokerUrl } from '../../../protocol/connection/broker-url.js';
import {
  isErrorAnswer,
  parseAnswer,
  parseDevicePolicyPatch,
  parseDevicePolicyReport,
  parseDeviceState,
  parsePowerMessage,
  parseResult,
  parseServerPolicyPatch,
  parseServerPolicyReport,
  parseServerStatus,
} from '../../../protocol/messages.js';
import { compileFilter } from '../../../protocol/connection/subscriptions.js';
import {
  answerTopic,
  deviceTopics,
  isName,
  offloadTopic,
  parseAnswerTopic,
  parseCloudStatusTopic,
  parseOffloadTopic,
  serverTopics,
} from '../../../protocol/topics/topics.js';
import { writeGroupZoo } from '../../cloud-stub/support/group-zoo.js';
import type { Dice } from '../dice.js';
import { insist, refusalOr, type Door } from '../door.js';
import { hostileName, hostileNumberText } from '../hostile.js';
import { documentedMessages, sampleAnswer } from '../message-corpus.js';
import { mutateJson } from '../mutate-json.js';

export const messages: Door = {
  name: 'messages',
  cases: 3000,
  async open(dir) {
    const zoo = await loadZoo(await writeGroupZoo(dir));
    const readers = readersFor(zoo);
    const corpus = documentedMessages();
    return {
      knock: (dice) =>
        refusalOr(() => {
          if (dice.chance(0.25)) return readTopics(dice);
          const [kind, read] = dice.pick(readers);
          read(Buffer.from(mutateJson(dice.pick(corpus.get(kind) ?? [{}]), dice)));
        }),
    };
  },
};

type Reader = (payload: Uint8Array) => void;

/** By the kind of the example in docs/protocol.md that they read. */
function readersFor(zoo: Zoo): [string, Reader][] {
  const current = policyFromManifest(zoo);
  return [
    ['answer', (payload) => checkAnswer(payload)],
    ['server-status', (payload) => void parseServerStatus(payload)],
    ['result', (payload) => void parseResult(payload)],
    ['state', (payload) => void parseDeviceState(payload)],
    ['power', (payload) => void parsePowerMessage(payload)],
    ['policy', (payload) => void parseDevicePolicyReport(payload)],
    ['server-policy', (payload) => void parseServerPolicyReport(payload)],
    ['policy-patch', (payload) => checkDevicePatch(payload, current, zoo)],
    ['server-policy', (payload) => checkServerPatch(payload, zoo)],
  ];
}

function checkAnswer(payload: Uint8Array): void {
  const { frameId, zooHash, probabilities } = sampleAnswer;
  const answer = parseAnswer(payload, { frameId, classes: probabilities.length, zooHash });
  if (isErrorAnswer(answer)) return;
  const sum = answer.probabilities.reduce((all, one) => all + one, 0);
  insist(Math.abs(sum - 1) < 0.05, `probabilities of ${sum} were believed`);
  insist(answer.frameId === frameId, 'an answer to another frame was believed');
}

function checkDevicePatch(
  payload: Uint8Array,
  current: ReturnType<typeof policyFromManifest>,
  zoo: Zoo,
): void {
  const policy = patchPolicy(current, parseDevicePolicyPatch(payload), zoo);
  for (const [name, value] of Object.entries(policy.thresholds)) {
    insist(Number.isFinite(value) && value >= 0 && value <= 10, `threshold ${name} became ${value}`);
  }
}

function checkServerPatch(payload: Uint8Array, zoo: Zoo): void {
  const { T, ...patch } = parseServerPolicyPatch(payload);
  const { mu, threshold } = groupPolicyOf(zoo, { ...patch, ...(T === undefined ? {} : { threshold: T }) });
  insist(Number.isFinite(mu) && threshold >= 0 && threshold <= 1, `a policy of ${mu}, ${threshold}`);
}

function buildable(build: () => unknown): boolean {
  try {
    build();
    return true;
  } catch {
    return false;
  }
}

/** Builders make only topics that our parsers read back; parsers throw nothing, whatever the topic. */
function readTopics(dice: Dice): void {
  const name = hostileName(dice);
  const topic = [dice.pick(['edgemux', 'cameras', name]), dice.pick(['offload', 'answer', 'cloud', name])]
    .concat(
      Array.from({ length: dice.below(6) }, () =>
        dice.chance(0.3) ? hostileNumberText(dice) : hostileName(dice),
      ),
    )
    .join('/');
  const offload = parseOffloadTopic('edgemux', topic);
  if (offload)
    insist(
      buildable(() => answerTopic('edgemux', { ...offload, server: 's' })),
      `no answer to ${topic}`,
    );
  const answer = parseAnswerTopic('edgemux', topic);
  if (answer)
    insist(
      buildable(() => deviceTopics('edgemux', answer.device)),
      `${topic} was taken as an answer`,
    );
  const server = parseCloudStatusTopic('edgemux', topic);
  insist(server === null || isName(server), `${topic} was taken as a status`);
  const camera = new CameraPattern('cameras/{camera}/+/#').match(topic);
  insist(camera === null || isName(camera), `${topic} was taken as a camera's`);
  compileFilter(topic)(hostileName(dice));
  const builders: (() => unknown)[] = [
    () => answerTopic('edgemux', { server: dice.pick([null, 's', name]), device: name, frameId: 'f' }),
    () =>
      offloadTopic('edgemux', {
        server: dice.pick([null, 's', name]),
        zoo: name,
        device: 'd',
        frameId: 'f',
        budgetMs: Number(hostileNumberText(dice)),
        prepared: null,
      }),
    () => deviceTopics(name, 'd').state,
    () => deviceTopics('edgemux', 'd').result(name),
    () => serverTopics('edgemux', name),
    () => new CameraPattern(topic),
    () => parseBrokerUrl(dice.chance(0.5) ? name : `mqtt://${name}:${hostileNumberText(dice)}@${name}`),
  ];
  dice.pick(builders)();
}
