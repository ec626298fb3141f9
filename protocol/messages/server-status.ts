import { z } from 'zod';
import { amount, count, readMessage, text } from './json.js';
import { serverPolicySchema } from './policy.js';

/**
 * What server and device have to agree on beside the messages: 1 (edgemux 0.1.0, which did not say so) knew requests to
 * all servers of a zoo, 2 knows requests to one server and answers on that server's own topic.
 */
export const PROTOCOL = 2;

/** A server that runs: `draining` finishes what it has and takes nothing new. */
export const liveServerStatusSchema = z.object({
  state: z.enum(['online', 'draining']),
  /** Absent: 1. */
  protocol: z.exactOptional(z.int().min(1).max(1000)),
  server: text,
  zoo: text,
  zooHash: text,
  models: z.array(text),
  policy: serverPolicySchema,
  /** Requests waiting, how many may wait, and the bytes they hold. */
  queue: z.object({ length: count, limit: count, bytes: count }),
  /** Execution provider really in use. */
  provider: text,
  counters: z.record(z.string().max(64), count),
  /** Named as Prometheus names them: a number, or numbers by the one label that the metric has. */
  metrics: z.exactOptional(z.record(z.string().max(64), z.union([amount, z.record(text, amount)]))),
  /** Of the recent answers: residence on this server. */
  latencyMs: z.object({ p50: amount, p95: amount, p99: amount }).nullable().default(null),
  startedAt: z.iso.datetime(),
  version: text,
  /** Where it takes requests that a group shares: how many of each device it has taken since its start. */
  shared: z.exactOptional(z.record(text, count)),
});
export type LiveServerStatus = z.infer<typeof liveServerStatusSchema>;

/** A server that is gone: its last will, or its word on a clean stop. */
export const goneServerStatusSchema = z.object({ state: z.literal('offline'), server: text.optional() });
export type GoneServerStatus = z.infer<typeof goneServerStatusSchema>;

export const serverStatusSchema = z.discriminatedUnion('state', [
  liveServerStatusSchema,
  goneServerStatusSchema,
]);
export type ServerStatus = z.infer<typeof serverStatusSchema>;

/** What a server leaves behind as its last will and says on a clean stop. */
export const SERVER_OFFLINE = '{"state":"offline"}';
/** What a device says on its status topic. */
export const DEVICE_ONLINE = 'online';
export const DEVICE_OFFLINE = 'offline';

/** Reads a server's status. @throws MESSAGE_INVALID */
export function parseServerStatus(payload: Uint8Array): ServerStatus {
  return readMessage('server status', serverStatusSchema, payload);
}

/** What is wrong with a status on the topic of `server`, as one of the zoo with these models; null: nothing. */
export function wrongWithStatus(
  server: string,
  status: LiveServerStatus,
  zoo: { hash: string; models: readonly string[] },
): string | null {
  if (status.server !== server) return `it speaks for ${JSON.stringify(status.server.slice(0, 80))}`;
  if (status.zooHash !== zoo.hash) return null; // of other zoos we know no models
  const strange = status.models.find((id) => !zoo.models.includes(id));
  return strange === undefined ? null : `its zoo has no model ${JSON.stringify(strange.slice(0, 80))}`;
}

/** Which of the two has to be upgraded so that device and server understand each other; null: neither. */
export function outdated({ protocol = 1 }: Pick<LiveServerStatus, 'protocol'>): 'server' | 'device' | null {
  if (protocol === PROTOCOL) return null;
  return protocol < PROTOCOL ? 'server' : 'device';
}
