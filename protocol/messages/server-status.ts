import { z } from 'zod';
import { amount, count, readMessage, text } from './json.js';
import { serverPolicySchema } from './policy.js';

/** A server that runs: `draining` finishes what it has and takes nothing new. */
export const liveServerStatusSchema = z.object({
  state: z.enum(['online', 'draining']),
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
