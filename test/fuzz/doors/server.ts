/** A whole server on a real broker: requests of hostile devices, response topics, policy patches. */
import { cloudConfigSchema } from '../../../cloud-stub/config.js';
import { CloudServer } from '../../../cloud-stub/server.js';
import { silentLog } from '../../../common/log.js';
import type { Message, MessageProperties } from '../../../protocol/connection/connection.js';
import { parseServerStatus, type LiveServerStatus } from '../../../protocol/messages.js';
import { parseAnswerTopic, parseOffloadTopic } from '../../../protocol/topics/topics.js';
import { writeGroupZoo } from '../../cloud-stub/support/group-zoo.js';
import { BrokerSide, eventually } from '../broker-side.js';
import type { Dice } from '../dice.js';
import type { Door } from '../door.js';
import { deliverable, hostileName, hostileNumberText } from '../hostile.js';
import { bombs, soundImages } from '../image-corpus.js';
import { sampleServerPolicies } from '../message-corpus.js';
import { mutateJson } from '../mutate-json.js';
import { damaged, wrapped } from './images.js';

const BOMB_SHARE = 1 / 300;
/** Of a request's topic, to this server and of protocol 1; with a slash too many it comes to nobody. */
const LEVELS = [7, 6];

export const server: Door = {
  name: 'server',
  cases: 2500,
  async open(dir) {
    const books = new Books();
    const side = await BrokerSide.start((message) => books.note(message));
    const cloud = new CloudServer(
      { log: silentLog() },
      cloudConfigSchema.parse({
        server: 's',
        zoo: await writeGroupZoo(dir),
        broker: { url: side.broker.url },
        inference: { providers: ['cpu'], threads: 1 },
        report: { statusIntervalS: 0.1 },
      }),
    );
    await cloud.start();
    await eventually(
      () => books.status !== null,
      () => 'the server never said its status',
    );
    const [sound, heavy] = [await soundImages(), await bombs()];
    return {
      async knock(dice) {
        if (dice.chance(0.15)) {
          const policy = dice.pick(sampleServerPolicies);
          const text = dice.chance(0.3) ? JSON.stringify(policy) : mutateJson(policy, dice);
          return (await side.say('edgemux/cloud/s/policy/set', text)) ? 'policy' : 'hung-up';
        }
        const bomb = dice.chance(BOMB_SHARE);
        const image = wrapped(bomb ? dice.pick(heavy) : damaged(sound, dice), dice);
        const topic = requestTopic(dice);
        const properties = propertiesOf(dice);
        books.asked.add(topic);
        return (await side.say(topic, image, { properties })) ? 'request' : 'hung-up';
      },
      balance: () => books.balance(),
      close: async () => {
        await cloud.stop();
        await side.stop();
      },
    };
  },
};

function requestTopic(dice: Dice): string {
  const or = (usual: string, share: number): string =>
    dice.chance(share) ? deliverable(hostileName(dice)) : usual;
  const budget = dice.chance(0.1) ? hostileNumberText(dice).replace('+', '') : `${dice.between(1, 3000)}`;
  const frameId = or(`f${dice.below(1e9)}`, 0.05);
  const server = dice.chance(0.8) ? 's/' : '';
  return `edgemux/offload/${server}tiny/${or(dice.pick(['d1', 'd2', 'd3']), 0.1)}/${frameId}/${budget}`;
}

function propertiesOf(dice: Dice): MessageProperties {
  const wild = deliverable(hostileName(dice));
  const topics = [
    ...[
      'edgemux/cloud/s/status',
      'edgemux/d2/policy/set',
      'edgemux/answer/s/d2/x',
      `edgemux/answer/s/d1/${wild}`,
    ],
    ...[
      'cameras/door/frame',
      `edgemux/answer/s/d1/../d2/${wild}`,
      '$SYS/broker',
      dice.pick(['edgemux/answer/s/d1/own', 'edgemux/answer/d1/own', 'edgemux/answer/t/d1/own']),
      wild,
    ],
  ];
  return {
    ...(dice.chance(0.4) ? { responseTopic: dice.pick(topics) || 'x' } : {}),
    ...(dice.chance(0.5) ? { correlationData: dice.bytes(dice.pick([0, 1, 16, 2000])) } : {}),
  };
}

/** What was asked, what the server says of it, and where it spoke. */
class Books {
  readonly asked = new Set<string>();
  status: LiveServerStatus | null = null;
  requests = 0;
  #answers = 0;
  #wrong: string | null = null;
  readonly #devices = new Set<string>();

  note({ topic, payload }: Message): void {
    const request = this.asked.has(topic) ? parseOffloadTopic('edgemux', topic) : null;
    if (request) this.#devices.add(request.device);
    if (this.asked.has(topic)) this.requests += LEVELS.includes(topic.split('/').length) ? 1 : 0;
    else if (topic.startsWith('edgemux/answer/')) this.#answered(topic);
    else if (topic === 'edgemux/cloud/s/status') this.#statusIs(payload);
    else if (!/^edgemux\/(cloud\/s\/policy|probe\/)/.test(topic))
      this.#wrong ??= `the server spoke on ${topic}`;
  }

  #answered(topic: string): void {
    this.#answers += 1;
    const device = parseAnswerTopic('edgemux', topic)?.device ?? '';
    if (!this.#devices.has(device)) this.#wrong ??= `an answer to nobody, on ${topic}`;
  }

  #statusIs(payload: Uint8Array): void {
    const status = parseServerStatus(payload);
    if (status.state !== 'offline') this.status = status;
  }

  /** Every request was answered, refused (which is an answer too), expired or had nobody to be answered. */
  async balance(): Promise<void> {
    const explain = (): string =>
      this.#wrong ??
      `${this.requests} requests, ${this.#answers} answers: ${JSON.stringify(this.status)?.slice(0, 2000)}`;
    await eventually(() => this.#wrong !== null || this.#even(), explain);
    if (this.#wrong !== null) throw new Error(this.#wrong);
  }

  #even(): boolean {
    if (!this.status) return false;
    const { counters, queue } = this.status;
    const { requests = 0, answers = 0, expired = 0, unanswerable = 0 } = counters;
    const refused = Object.entries(counters).filter(([name]) => name.startsWith('refused_'));
    const refusals = refused.reduce((all, [, n]) => all + n, 0);
    return (
      queue.length === 0 &&
      requests === this.requests &&
      requests === answers + refusals + expired + unanswerable &&
      this.#answers === answers + refusals
    );
  }
}
