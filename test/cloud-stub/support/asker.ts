/** A device seen from the server: asks by MQTT alone and collects what comes back. */
import type { Test } from 'tap';
import { systemClock } from '../../../common/clock.js';
import { silentLog } from '../../../common/log.js';
import { Connection } from '../../../protocol/connection/connection.js';
import {
  parseServerPolicyReport,
  parseServerStatus,
  type Answer,
  type ErrorAnswer,
  type LiveServerStatus,
  type PolicyError,
  type ServerPolicy,
  type ServerStatus,
} from '../../../protocol/messages.js';
import { PATIENCE_MS } from '../../support/system.js';
import { until } from '../../support/until.js';

export interface Got {
  answer: Answer | ErrorAnswer;
  /** From the publication of the request, in ms. */
  afterMs: number;
}

export class Asker {
  readonly connection: Connection;
  readonly statuses = new Map<string, ServerStatus>();
  readonly policies: (ServerPolicy | PolicyError)[] = [];
  /** Answers by frame id, in the order in which they came. */
  readonly got = new Map<string, Got>();
  /** Answers to frames that have had one. */
  doubled = 0;
  readonly #sentMs = new Map<string, number>();
  readonly #device: string;
  #next = 0;

  private constructor(url: string, device: string) {
    this.#device = device;
    this.connection = new Connection(
      { log: silentLog(), clock: systemClock },
      { url, clientId: `asker-${device}` },
    );
  }

  static async connect(t: Test, url: string, device: string): Promise<Asker> {
    const asker = new Asker(url, device);
    const { connection } = asker;
    connection.start();
    t.teardown(() => connection.stop());
    await connection.ready(PATIENCE_MS);
    await connection.subscribe(`edgemux/answer/+/${device}/+`, { qos: 0 }, ({ payload, topic }) => {
      const frameId = topic.split('/').at(-1) ?? '';
      const answer = JSON.parse(Buffer.from(payload).toString()) as Answer | ErrorAnswer;
      if (asker.got.has(frameId)) asker.doubled += 1;
      const sentMs = asker.#sentMs.get(frameId) ?? NaN;
      asker.got.set(frameId, { answer, afterMs: systemClock.monotonicMs() - sentMs });
    });
    await connection.subscribe('edgemux/cloud/+/status', { qos: 1 }, ({ payload, topic }) => {
      asker.statuses.set(topic.split('/')[2] ?? '', parseServerStatus(payload));
    });
    await connection.subscribe('edgemux/cloud/+/policy', { qos: 1 }, ({ payload }) => {
      asker.policies.push(parseServerPolicyReport(payload));
    });
    return asker;
  }

  /**
   * Publishes a request and does not wait. Returns the frame id.
   * @param budgetMs or the whole last level of the topic
   */
  ask(image: Uint8Array, budgetMs: number | string = 20_000, zoo = 'tiny'): string {
    const frameId = `f${(this.#next += 1)}`;
    this.#sentMs.set(frameId, systemClock.monotonicMs());
    const topic = `edgemux/offload/${this.#turn()}/${zoo}/${this.#device}/${frameId}/${budgetMs}`;
    void this.connection.publish(topic, image, { qos: 0 });
    return frameId;
  }

  /** The servers that are online are asked by turns. */
  #turn(): string {
    const online = [...this.statuses].filter(([, { state }]) => state === 'online').map(([name]) => name);
    return online[this.#next % online.length] ?? 'nobody';
  }

  /** Asks all at once and waits for an answer to each. */
  async askAll(
    images: readonly Uint8Array[],
    budgetMs?: number,
    zoo?: string,
  ): Promise<(Answer | ErrorAnswer)[]> {
    const ids = images.map((image) => this.ask(image, budgetMs, zoo));
    await this.until(() => ids.every((id) => this.got.has(id)));
    return ids.flatMap((id) => this.got.get(id)?.answer ?? []);
  }

  /** Waits until something holds. @throws Error with the condition's text, where it never does */
  async until(holds: () => boolean): Promise<boolean> {
    return until(String(holds), holds, PATIENCE_MS);
  }

  /** A server's status while it lives. */
  live(server: string): LiveServerStatus | null {
    const status = this.statuses.get(server);
    return status && status.state !== 'offline' ? status : null;
  }

  async untilOnline(...servers: string[]): Promise<boolean> {
    return this.until(() => servers.every((server) => this.live(server)?.state === 'online'));
  }

  async patch(server: string, patch: object): Promise<void> {
    await this.connection.publish(`edgemux/cloud/${server}/policy/set`, JSON.stringify(patch), { qos: 1 });
  }

  /** Answers that are no refusals. */
  answers(): Answer[] {
    return [...this.got.values()].flatMap(({ answer }) => ('error' in answer ? [] : [answer]));
  }

  refusals(): (ErrorAnswer & Pick<Got, 'afterMs'>)[] {
    return [...this.got.values()].flatMap(({ answer, afterMs }) =>
      'error' in answer ? [{ ...answer, afterMs }] : [],
    );
  }
}
