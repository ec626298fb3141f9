/** A whole device daemon on a real broker: frames, patches, server statuses and answers, all at the same time. */
import { agentConfigSchema } from '../../../agent/config.js';
import { AgentDaemon } from '../../../agent/daemon.js';
import { silentLog } from '../../../common/log.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import type { Message } from '../../../protocol/connection/connection.js';
import { parseDeviceState, parseResult, type DeviceState } from '../../../protocol/messages.js';
import { SHIPPED_ZOO } from '../../mux/support/zoos.js';
import { BrokerSide, eventually } from '../broker-side.js';
import type { Dice } from '../dice.js';
import { insist, type Door } from '../door.js';
import { FakeServer } from '../fake-server.js';
import { deliverable, hostileName } from '../hostile.js';
import { bombs, soundImages } from '../image-corpus.js';
import { samplePatches } from '../message-corpus.js';
import { mutateJson } from '../mutate-json.js';
import { damaged, wrapped } from './images.js';

const CAMERAS = ['door', 'yard', 'gate', 'hall', 'lift', 'roof'];
const BOMB_SHARE = 1 / 300;

export const device: Door = {
  name: 'device',
  cases: 4500,
  async open(dir) {
    const books = new Books();
    const server = new FakeServer(await loadZoo(SHIPPED_ZOO), 'd1');
    const side = await BrokerSide.start((message) => {
      books.note(message);
      server.answer(message, side);
    });
    const daemon = await startDaemon(side.broker.url, dir);
    await eventually(
      () => books.state !== null,
      () => 'the device never said its state',
    );
    await server.appear(side);
    const [sound, heavy] = [await soundImages(), await bombs()];
    return {
      knock: (dice) => knock(dice, { books, side, server, sound, heavy }),
      balance: () => books.balance(),
      close: async () => {
        await daemon.stop();
        await side.stop();
      },
    };
  },
};

async function startDaemon(url: string, dataDir: string): Promise<AgentDaemon> {
  const config = agentConfigSchema.parse({
    device: 'd1',
    dataDir,
    broker: { url },
    inference: { providers: ['cpu'], threads: 1 },
    offload: { deadlineMs: 400 },
    report: { stateIntervalS: 0.1 },
  });
  const daemon = new AgentDaemon({ log: silentLog() }, config);
  await daemon.start();
  return daemon;
}

interface World {
  books: Books;
  side: BrokerSide;
  server: FakeServer;
  sound: readonly Buffer[];
  heavy: readonly Buffer[];
}

async function knock(dice: Dice, { books, side, server, sound, heavy }: World): Promise<string> {
  if (dice.chance(0.65)) {
    const camera = dice.chance(0.85) ? dice.pick(CAMERAS) : deliverable(hostileName(dice));
    const topic = `cameras/${camera}/frame`;
    const bomb = dice.chance(BOMB_SHARE);
    const payload = wrapped(bomb ? dice.pick(heavy) : damaged(sound, dice), dice);
    const userProperties = {
      'captured-at': dice.pick(['1e999', '-1', 'NaN', '1700000000000', '0x10', 'soon']),
    };
    const options = {
      retain: dice.chance(0.02),
      properties: { userProperties, contentType: hostileText(dice) },
    };
    if (!(await side.say(topic, payload, options))) return 'hung-up';
    if (topic.split('/').length === 3) books.sent += 1;
    return 'frame';
  }
  const [topic, payload] = dice.pick([patch, patch, status, answer, gossip])(dice, server);
  return (await side.say(topic, payload)) ? (topic.split('/')[1] ?? '') : 'hung-up';
}

function hostileText(dice: Dice): string {
  return deliverable(hostileName(dice)).slice(0, 64);
}

const patch = (dice: Dice): [string, string] => [
  'edgemux/d1/policy/set',
  dice.chance(0.4) ? JSON.stringify(dice.pick(samplePatches)) : mutateJson(dice.pick(samplePatches), dice),
];

const status = (dice: Dice, server: FakeServer): [string, string] => [
  `edgemux/cloud/${dice.chance(0.5) ? 'fake' : deliverable(hostileName(dice))}/status`,
  dice.chance(0.3) ? server.status : mutateJson(JSON.parse(server.status), dice),
];

const answer = (dice: Dice, server: FakeServer): [string, string] => [
  `edgemux/answer/d1/${dice.chance(0.5) ? server.lastFrameId : deliverable(hostileName(dice))}`,
  mutateJson(server.soundAnswer(server.lastFrameId), dice),
];

/** What nobody but the device should say. */
const gossip = (dice: Dice): [string, string] => [
  `edgemux/d1/${dice.pick(['status', 'policy', 'power', 'nothing'])}`,
  dice.pick(['offline', 'online', '', '{}']),
];

/** What the device took in and gave out, seen from outside. */
class Books {
  /** Frames that the broker took on the camera topics. */
  sent = 0;
  state: DeviceState | null = null;
  readonly #frameIds = new Set<string>();

  note({ topic, payload }: Message): void {
    if (topic === 'edgemux/d1/state') this.state = parseDeviceState(payload);
    if (topic.startsWith('edgemux/d1/result/')) this.#frameIds.add(parseResult(payload).frameId);
  }

  /** Every frame that was sent was refused, ignored or admitted; every admitted one is a result or a drop. */
  async balance(): Promise<void> {
    const explain = (): string =>
      `${this.sent} frames sent, ${this.#frameIds.size} results seen: ${JSON.stringify(this.state)?.slice(0, 2000)}`;
    await eventually(() => this.#even(), explain);
    const { lateAnswers, badAnswers } = this.state?.counters ?? { lateAnswers: 0, badAnswers: 0 };
    insist(lateAnswers >= 0 && badAnswers >= 0, explain());
  }

  #even(): boolean {
    if (!this.state) return false;
    const { queue, counters } = this.state;
    const sum = (by: Record<string, number>): number => Object.values(by).reduce((all, n) => all + n, 0);
    return (
      queue.waiting + queue.inFlight + queue.outbox === 0 &&
      counters.received === this.sent &&
      counters.received + counters.extraFrames ===
        sum(counters.refused) + counters.ignoredRetained + counters.admitted &&
      counters.admitted === sum(counters.drops) + counters.results &&
      counters.results === this.#frameIds.size
    );
  }
}
