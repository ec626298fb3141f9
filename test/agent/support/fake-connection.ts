import type {
  Connection,
  Message,
  MessageHandler,
  PublishOptions,
} from '../../../protocol/connection/connection.js';
import { bytesOf } from '../../../protocol/messages/message.js';

export interface Published {
  topic: string;
  payload: Uint8Array;
  options: PublishOptions;
}

/** The place of a connection to a broker: what is published is kept, and nobody answers but the test. */
export class FakeConnection {
  state: Connection['state'] = 'online';
  readonly published: Published[] = [];
  readonly subscriptions = new Map<string, { qos: 0 | 1; handler: MessageHandler }>();
  /** Called with everything that is published; what it throws is the failure of the publication. */
  onPublish: (published: Published) => void | Promise<void> = () => undefined;
  readonly #listeners: ((state: Connection['state']) => void)[] = [];

  /** As the classes under test take it. */
  get asConnection(): Connection {
    return this as unknown as Connection;
  }

  onState(listener: (state: Connection['state']) => void): () => void {
    this.#listeners.push(listener);
    return () => void this.#listeners.splice(this.#listeners.indexOf(listener), 1);
  }

  /** Goes into a state and tells it. */
  become(state: Connection['state']): void {
    this.state = state;
    for (const listener of this.#listeners) listener(state);
  }

  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions): Promise<void> {
    const published = { topic, payload: bytesOf(payload), options };
    this.published.push(published);
    await this.onPublish(published);
  }

  async subscribe(filter: string, options: { qos: 0 | 1 }, handler: MessageHandler): Promise<void> {
    this.subscriptions.set(filter, { qos: options.qos, handler });
  }
}

/** A message as a broker delivers it. */
export function delivered(topic: string, payload: unknown, retain = false): Message {
  const bytes =
    typeof payload === 'string'
      ? Buffer.from(payload)
      : payload instanceof Uint8Array
        ? payload
        : Buffer.from(JSON.stringify(payload));
  return { topic, payload: bytes, retain } as Message;
}
