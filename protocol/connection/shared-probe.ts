import { randomBytes } from 'node:crypto';
import type { Message, PublishOptions } from '../messages/message.js';
import type { ServerLimits } from './session.js';
import type { Timers } from './timers.js';

/** What the probe needs of a connection. */
export interface ProbePort {
  readonly serverLimits: ServerLimits | null;
  subscribe(filter: string, options: { qos: 1 }, handler: (message: Message) => void): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
}

export interface ProbeOptions {
  /** Topics of the probe are below this. */
  root: string;
  /** How long a message may take to come back, in milliseconds. */
  timeoutMs: number;
  /** How much later than an ordinary message a shared one may come, in milliseconds. */
  graceMs: number;
}

/**
 * Whether `$share` subscriptions deliver on this broker: subscribes to one and sees whether a message comes. Some
 * brokers grant the subscription and deliver nothing (aedes), so neither grant nor CONNACK is believed. An ordinary
 * subscription beside it shows when the message would have come.
 * @throws BROKER_UNREACHABLE when the connection is or goes away
 */
export async function probeShared(port: ProbePort, timers: Timers, options: ProbeOptions): Promise<boolean> {
  if (port.serverLimits?.sharedSubscriptionAvailable === false) return false;
  const nonce = randomBytes(9).toString('hex');
  const [probe, control] = [`${options.root}/${nonce}/shared`, `${options.root}/${nonce}/control`];
  const shared = `$share/probe-${nonce}/${probe}`;
  const cancels: (() => void)[] = [];
  let settle: (verdict: boolean) => void = () => undefined;
  const verdict = new Promise<boolean>((resolve) => (settle = resolve));
  const giveUpAfter = (delayMs: number): void => {
    cancels.push(timers.after(delayMs, () => settle(false)));
  };
  try {
    const granted = await port
      .subscribe(shared, { qos: 1 }, () => settle(true))
      .then(
        () => true,
        () => false,
      );
    if (!granted) return false;
    await port.subscribe(control, { qos: 1 }, () => giveUpAfter(options.graceMs));
    giveUpAfter(options.timeoutMs);
    await port.publish(probe, 'probe', { qos: 1 });
    await port.publish(control, 'probe', { qos: 1 });
    return await verdict;
  } finally {
    for (const cancel of cancels) cancel();
    await Promise.allSettled([port.unsubscribe(shared), port.unsubscribe(control)]);
  }
}
