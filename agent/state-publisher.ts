import { messageOf } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Log } from '../common/log.js';
import type { Connection } from '../protocol/connection/connection.js';
import { isRefusal } from '../protocol/connection/failure.js';
import type { DeviceState } from '../protocol/messages.js';
import { shortened, SHORTEST } from './state-size.js';

export interface StatePublisherDeps {
  log: Log;
  clock: Clock;
  connection: Connection;
  topic: string;
  /** Puts the state together at the moment of publishing. */
  state: () => DeviceState;
}

/** A broker that hangs up so soon after a state, so often in a row, does not take it; it may have no other way to say so. */
const HANG_UP_MS = 2000;
const HANG_UPS = 2;
/** A broker of MQTT 3.1.1 may acknowledge what it drops: so long after that, what does not come back was dropped. */
const ECHO_MS = 3000;
/** How well the limit of such a broker is found out, in bytes. */
const LIMIT_BYTES = 64;
/** After a connection that held so long the whole state is tried once more. */
const HELD_MS = 600_000;

/** Publishes the state, retained, as long as the broker takes it: shorter where it does not take the whole. */
export class StatePublisher {
  readonly #deps: StatePublisherDeps;
  /** 0 whole, up to SHORTEST; beyond it none is published. */
  #level = 0;
  #hangUps = 0;
  #onlineMs = 0;
  /** This user may not read its own state: nothing can be learned from echoes. */
  #blind = false;
  /** When the first state of this connection went out; null before, and once one was acknowledged. */
  #unansweredSinceMs: number | null = null;
  #onEcho: (payload: string) => void = () => undefined;

  constructor(deps: StatePublisherDeps) {
    this.#deps = deps;
  }

  /** Follows the connection from now on. */
  start(): void {
    const { clock, connection } = this.#deps;
    connection.onState((state) => {
      if (state !== 'online') return this.#connectionEnded();
      this.#onlineMs = clock.monotonicMs();
      void this.#first();
    });
  }

  /** Publishes the state as it is now. Never rejects. */
  async publish(): Promise<void> {
    const { clock, connection, log } = this.#deps;
    while (connection.state === 'online' && this.#level <= SHORTEST) {
      const level = this.#level;
      this.#unansweredSinceMs ??= clock.monotonicMs();
      try {
        await this.#send(JSON.stringify(shortened(this.#deps.state(), level)));
        [this.#unansweredSinceMs, this.#hangUps] = [null, 0];
        return;
      } catch (error) {
        if (!isRefusal(error)) return log.debug({ error: messageOf(error) }, 'state not published');
        this.#unansweredSinceMs = null;
        if (level === this.#level) this.#shorten(messageOf(error));
      }
    }
  }

  #send(text: string): Promise<void> {
    return this.#deps.connection.publish(this.#deps.topic, text, { qos: 1, retain: true });
  }

  /** With MQTT 3.1.1 it looks whether what is acknowledged also arrives. */
  async #first(): Promise<void> {
    const { connection, topic } = this.#deps;
    if (connection.protocolVersion !== 4 || this.#blind) return this.publish();
    const onMessage = ({ payload, retain }: { payload: Uint8Array; retain: boolean }): void => {
      if (!retain) this.#onEcho(Buffer.from(payload).toString());
    };
    await connection.subscribe(topic, { qos: 0, retained: false }, onMessage).catch(() => undefined);
    const before = this.#level;
    await this.#publishEchoed(before);
    await connection.unsubscribe(topic).catch(() => undefined);
  }

  /** Goes on to shorter states until one comes back; where none does, nothing is known, and it stays as it was. */
  async #publishEchoed(before: number): Promise<void> {
    for (let level = before; level <= SHORTEST; level += 1) {
      this.#level = level;
      const echo = this.#echo();
      await this.publish();
      if (await echo) {
        if (level > before) await this.#findLimit();
        return;
      }
      if (this.#deps.connection.state !== 'online') return;
    }
    this.#level = before;
    this.#blind = true;
    await this.publish();
  }

  /** Halves the way between the state that came back and the longer one that did not: results keep to that limit too. */
  async #findLimit(): Promise<void> {
    const text = JSON.stringify(shortened(this.#deps.state(), this.#level));
    let passes = Buffer.byteLength(text);
    let dropped = Buffer.byteLength(JSON.stringify(shortened(this.#deps.state(), this.#level - 1)));
    while (dropped - passes > LIMIT_BYTES) {
      const middle = Math.floor((passes + dropped) / 2);
      const echo = this.#echo();
      await this.#send(text + ' '.repeat(middle - Buffer.byteLength(text))).catch(() => undefined);
      if (await echo) passes = middle;
      else if (this.#deps.connection.state === 'online') dropped = middle;
      else return;
    }
    this.#deps.connection.limitPayload(passes);
    this.#say(`it drops what is longer than ${passes} bytes`);
  }

  /** Resolves with true when a state of ours comes back. */
  #echo(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ECHO_MS);
      this.#onEcho = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #connectionEnded(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const sinceMs = this.#unansweredSinceMs;
    this.#unansweredSinceMs = null;
    if (sinceMs !== null && nowMs - sinceMs < HANG_UP_MS) {
      this.#hangUps += 1;
      if (this.#hangUps >= HANG_UPS) this.#shorten('it hung up on it');
    } else if (this.#level > 0 && nowMs - this.#onlineMs > HELD_MS) {
      [this.#level, this.#hangUps] = [0, HANG_UPS - 1];
    }
  }

  #shorten(why: string): void {
    if (this.#level > SHORTEST) return;
    this.#level += 1;
    this.#say(why);
  }

  #say(why: string): void {
    const { log, topic } = this.#deps;
    if (this.#level <= SHORTEST)
      log.warn({ topic, why }, 'the broker does not take the state: it is shortened');
    else log.error({ topic, why }, 'the broker takes no state, however short: none is published');
  }
}
