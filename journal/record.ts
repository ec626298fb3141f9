/** What a journal holds, and how a record of the append file says it: a JSON array, its kind first. */
import { z } from 'zod';

/** A result with its number and the running time of the device at its recording, in ms. */
export interface StoredResult {
  seq: number;
  frameId: string;
  createdAtMs: number;
  ranMs: number;
  topic: string;
  payload: string;
}

/** Values of the column `delivered`. Parked: the broker does not take it; the next run tries again. */
export const WAITING = 0;
export const DELIVERED = 1;
export const PARKED = 2;
export type Delivery = typeof WAITING | typeof DELIVERED | typeof PARKED;

export type AppendRecord =
  { kind: 'result'; result: StoredResult } | { kind: 'delivered'; seqs: readonly number[] };

const seqSchema = z.int().min(1);
const msSchema = z.int();
const resultSchema = z.tuple([
  z.literal('result'),
  seqSchema,
  z.string(),
  msSchema,
  msSchema,
  z.string(),
  z.string(),
]);
const deliveredSchema = z.tuple([z.literal('delivered')], seqSchema);

export function bodyOfResult({ seq, frameId, createdAtMs, ranMs, topic, payload }: StoredResult): Buffer {
  return Buffer.from(JSON.stringify(['result', seq, frameId, createdAtMs, ranMs, topic, payload]));
}

export function bodyOfDelivered(seqs: readonly number[]): Buffer {
  return Buffer.from(JSON.stringify(['delivered', ...seqs]));
}

/** What a record says; null where it is none of this version. */
export function readBody(body: Buffer): AppendRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
  const result = resultSchema.safeParse(value).data;
  if (result) {
    const [, seq, frameId, createdAtMs, ranMs, topic, payload] = result;
    return { kind: 'result', result: { seq, frameId, createdAtMs, ranMs, topic, payload } };
  }
  const delivered = deliveredSchema.safeParse(value).data;
  if (!delivered) return null;
  const [, ...seqs] = delivered;
  return { kind: 'delivered', seqs };
}
