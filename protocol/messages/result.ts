import { z } from 'zod';
import { amount, count, finite, readMessage, text } from './json.js';

/** Who answered: the mux's own class head, the local model, the server, or the device in the server's stead. */
export const ROUTES = ['mux', 'local', 'cloud', 'fallback'] as const;
export type Route = (typeof ROUTES)[number];

/** Why the route was taken. */
export const REASONS = [
  'easy',
  'confident',
  'hard',
  'unsure',
  'timeout',
  'server-away',
  'refused',
  'window-full',
  'backing-off',
  'breaker-open',
  'bad-answer',
  'disabled',
] as const;
export type Reason = (typeof REASONS)[number];

const rank = z.object({ label: text, classIndex: count, probability: finite });

/** One result, for one admitted frame. Published at least once, always with the same bytes. */
export const resultSchema = z.object({
  device: text,
  camera: text,
  /** The part of the camera's picture that this is about; absent for the whole. */
  region: z.exactOptional(text),
  frameId: text,
  /** ISO 8601 in UTC: the camera's own date where the frame carries one, else the receipt. */
  capturedAt: z.iso.datetime(),
  /** There, and false, where the device's clock stood before the program was built: it had never been set. */
  clockTrusted: z.exactOptional(z.literal(false)),
  zoo: text,
  /** SHA-256 of the published payload's image, in hex. */
  imageSha256: z.string().regex(/^[0-9a-f]{64}$/),
  route: z.enum(ROUTES),
  reason: z.enum(REASONS),
  label: text,
  classIndex: count,
  confidence: finite,
  top: z.array(rank),
  /** Higher = harder; null where the policy asks no mux. */
  muxScore: finite.nullable(),
  /** The threshold the score was held against; null where there is none. */
  threshold: finite.nullable(),
  models: z.array(text),
  /** Execution provider of the device's sessions. */
  provider: text,
  latencyMs: z.object({
    total: amount,
    queue: amount,
    decode: amount,
    mux: amount,
    local: amount,
    encode: amount,
    /** Round trip less the server's residence. */
    network: amount,
    /** The server's residence. */
    cloud: amount,
  }),
  /** Null where nothing measures. `net` is less the idle baseline and may be negative by noise. */
  energyJ: z
    .object({
      gross: finite,
      net: finite,
      simulated: z.boolean(),
      /** True where samples were missing for a moment, which those before and after bridge. */
      bridged: z.exactOptional(z.boolean()),
      /** Gross, by stage of the device. */
      stages: z.exactOptional(z.record(text, finite)),
      /** By rail; together `gross` and `net`. */
      rails: z.exactOptional(z.record(text, z.object({ gross: finite, net: finite }))),
    })
    .nullable(),
  bytesUp: count,
  bytesDown: count,
  /** Who answered where a server did. */
  server: z.exactOptional(text),
  /** True where a part of the picture was missing or broken. */
  damaged: z.exactOptional(z.boolean()),
});
export type Result = z.infer<typeof resultSchema>;

/** Reads a result. @throws MESSAGE_INVALID */
export function parseResult(payload: Uint8Array): Result {
  return readMessage('result', resultSchema, payload);
}
