/** Who subscribes to a group takes its requests; who does not know its name takes none; what one server is asked is nobody else's. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { agentConfigSchema } from '../../agent/config.js';
import { AgentDaemon } from '../../agent/daemon.js';
import { silentLog } from '../../common/log.js';
import type { Connection, Message } from '../../protocol/connection/connection.js';
import { parseDeviceState, parseResult, type DeviceState } from '../../protocol/messages.js';
import { withoutMosquitto, type TestBroker } from '../support/broker.js';
import { collect } from '../support/broker-watch.js';
import { jpegOf, startServer } from '../support/system.js';
import { until } from '../support/until.js';
import { connectionOf, passwordOf, startBrokerWith, type Role } from './accounts.js';

const skip = withoutMosquitto();
const PATIENCE_MS = 120_000;
const SECRET = '3f9c1d7788aa40e2b6';
const FRAMES = 20;
const THIEVES: Record<string, Role> = {
  'thief-reader': 'reader',
  'thief-camera': 'camera',
  'thief-device': 'device',
  'thief-server': 'server',
};
const ACCOUNTS: Record<string, Role | readonly string[]> = {
  d1: 'device',
  s1: ['server', 'server-share'],
  ...THIEVES,
};

function section(
  t: Test,
  broker: TestBroker,
  name: string,
): { url: string; username: string; passwordFile: string } {
  const passwordFile = join(t.testdirName, `${name}.password`);
  writeFileSync(passwordFile, `${passwordOf(name)}\n`, { mode: 0o600 });
  return { url: broker.url, username: name, passwordFile };
}

/** A device and a server on a mosquitto with the shipped rights, and everything that the broker carries. */
class Scene {
  readonly broker: TestBroker;
  readonly seen: Message[];
  readonly #everything: Connection;

  private constructor(broker: TestBroker, everything: Connection, seen: Message[]) {
    [this.broker, this.#everything, this.seen] = [broker, everything, seen];
  }

  /** @param shares whether device and server share requests; by a secret name where there is one */
  static async set(
    t: Test,
    { shares = false, secret = null }: { shares?: boolean; secret?: string | null },
  ): Promise<Scene> {
    t.testdir();
    const broker = await startBrokerWith(t, ACCOUNTS);
    const everything = await connectionOf(t, broker, 'everything');
    const scene = new Scene(broker, everything, await collect(everything, '#'));
    const secretFile = secret === null ? null : join(t.testdirName, 'share-secret');
    if (secretFile !== null) writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
    await startServer(t, broker.url, 's1', {
      broker: section(t, broker, 's1'),
      report: { statusIntervalS: 0.5 },
      share: { enabled: shares, secretFile },
    });
    const config = agentConfigSchema.parse({
      device: 'd1',
      dataDir: join(t.testdirName, 'data'),
      broker: section(t, broker, 'd1'),
      inference: { providers: ['cpu'] },
      policy: { mode: 'cloud-only' },
      report: { stateIntervalS: 0.1 },
      offload: { deadlineMs: 2000, share: shares },
    });
    const daemon = new AgentDaemon({ log: silentLog() }, config);
    t.teardown(() => daemon.stop());
    await daemon.start();
    const served = (): boolean => scene.state()?.servers.some(({ usable }) => usable) === true;
    await until('a usable server', served, PATIENCE_MS);
    return scene;
  }

  state(): DeviceState | null {
    const last = this.seen.findLast(({ topic }) => topic === 'edgemux/d1/state');
    return last ? parseDeviceState(last.payload) : null;
  }

  /** Topics of requests since `from`, by the server that they ask. */
  asked(from = 0): string[] {
    const topics = this.seen.slice(from).map(({ topic }) => topic.split('/'));
    return topics.filter(([, kind]) => kind === 'offload').map((levels) => levels[2] ?? '');
  }

  /** Publishes frames, each when the one before has its result; resolves with the routes. */
  async frames(count: number, enough: () => boolean = () => false): Promise<string[]> {
    const before = this.#routes().length;
    for (let n = 1; n <= count && !enough(); n += 1) {
      await this.#everything.publish('cameras/cam/frame', await jpegOf(n), { qos: 1 });
      await until('a result', () => this.#routes().length >= before + n, PATIENCE_MS);
    }
    return this.#routes().slice(before);
  }

  #routes(): string[] {
    const results = this.seen.filter(({ topic }) => topic === 'edgemux/d1/result/cam');
    return results.map(({ payload }) => parseResult(payload).route);
  }
}

/** The accounts of thieves subscribe to these filters; what they hear is collected. */
async function thieves(t: Test, broker: TestBroker, filters: readonly string[]): Promise<Message[]> {
  const loot: Message[] = [];
  for (const name of Object.keys(THIEVES)) {
    const thief = await connectionOf(t, broker, name);
    for (const filter of filters)
      await thief.subscribe(filter, { qos: 0 }, (message) => void loot.push(message)).catch(() => undefined);
  }
  return loot;
}

t.test(
  'no role takes requests to a server, or reads one, whatever group it makes up',
  { skip },
  async (t) => {
    const scene = await Scene.set(t, {});
    const loot = await thieves(t, scene.broker, [
      '$share/edgemux/edgemux/offload/fashion-mnist/+/+/+',
      '$share/edgemux/edgemux/offload/s1/+/+/+/+',
      '$share/x/edgemux/offload/#',
      'edgemux/offload/#',
    ]);
    const routes = await scene.frames(FRAMES);
    t.same(routes, Array<string>(FRAMES).fill('cloud'), 'every frame is answered by the server');
    t.same(new Set(scene.asked()), new Set(['s1']));
    t.same(loot, []);
    t.same(
      scene.state()?.health.warnings.filter((text) => /somebody else|keep failing/.test(text)),
      [],
    );
  },
);

t.test(
  'a group of a secret name is shared, the secret is in no message, and guesses take nothing',
  { skip },
  async (t) => {
    const scene = await Scene.set(t, { shares: true, secret: SECRET });
    const groups = ['edgemux', 'edgemux-', SECRET];
    const loot = await thieves(t, scene.broker, [
      ...groups.map((group) => `$share/${group}/edgemux/offload/any/fashion-mnist/+/+/+`),
      '$share/edgemux/edgemux/offload/#',
    ]);
    t.same(await scene.frames(FRAMES), Array<string>(FRAMES).fill('cloud'));
    t.same(new Set(scene.asked()), new Set(['any']), 'the group was asked');
    t.same(loot, []);
    const told = scene.seen.filter(({ topic, payload }) =>
      `${topic} ${Buffer.from(payload).toString()}`.includes(SECRET),
    );
    t.same(told, []);
  },
);

t.test(
  'requests taken from a group whose name was guessed are noticed, and the server is asked by name',
  { skip },
  async (t) => {
    const scene = await Scene.set(t, { shares: true });
    await scene.frames(3);
    await thieves(t, scene.broker, ['$share/edgemux/edgemux/offload/any/fashion-mnist/+/+/+']);
    const noticed = (): boolean =>
      scene
        .state()
        ?.health.warnings.some((text) => /arrived at none of them: somebody else subscribes/.test(text)) ===
      true;
    const stolen = await scene.frames(1000, noticed);
    t.ok(stolen.includes('fallback'), 'the device answered meanwhile');
    t.ok(noticed(), 'health says so');
    const from = scene.seen.length;
    t.same(await scene.frames(FRAMES), Array<string>(FRAMES).fill('cloud'), 'from then on nothing is taken');
    t.same(new Set(scene.asked(from)), new Set(['s1']));
  },
);
