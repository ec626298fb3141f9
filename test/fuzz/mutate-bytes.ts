/** Damages bytes the way lines, files and enemies do. */
import type { Dice } from './dice.js';

type Mutation = (bytes: Buffer, dice: Dice, others: readonly Buffer[]) => Buffer;

/** Lengths and counts at which parsers break. */
const NUMBERS = [
  0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
  0xffffffff,
] as const;
/** A block is repeated to at most this, in bytes. */
const MOST_GROWTH = 64 * 1024;

const flipBits: Mutation = (bytes, dice) => {
  for (let n = dice.between(1, 8); n > 0; n -= 1) {
    const at = dice.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.below(8));
  }
  return bytes;
};

const setBytes: Mutation = (bytes, dice) => {
  bytes[dice.below(bytes.length)] = dice.pick([0, 1, 0x7f, 0x80, 0xd8, 0xd9, 0xda, 0xfe, 0xff]);
  return bytes;
};

/** A number at some place, near the start (headers) more often than not. */
const setNumber: Mutation = (bytes, dice) => {
  const size = dice.pick([2, 4]);
  if (bytes.length < size) return bytes;
  const room = bytes.length - size + 1;
  const at = dice.below(dice.chance(0.7) ? Math.min(room, 64) : room);
  const value = dice.pick(NUMBERS) % 2 ** (8 * size);
  if (dice.chance(0.5)) bytes.writeUIntBE(value, at, size);
  else bytes.writeUIntLE(value, at, size);
  return bytes;
};

const cutEnd: Mutation = (bytes, dice) => bytes.subarray(0, dice.below(bytes.length + 1));

const cutMiddle: Mutation = (bytes, dice) => {
  const [from, to] = span(bytes, dice);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const insertNoise: Mutation = (bytes, dice) => {
  const at = dice.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), dice.bytes(dice.between(1, 64)), bytes.subarray(at)]);
};

const repeatBlock: Mutation = (bytes, dice) => {
  const [from, to] = span(bytes, dice);
  const block = bytes.subarray(from, to);
  const times = Math.min(dice.pick([1, 2, 16, 256]), Math.ceil(MOST_GROWTH / Math.max(1, block.length)));
  return Buffer.concat([bytes.subarray(0, to), ...Array<Buffer>(times).fill(block), bytes.subarray(to)]);
};

const wipeBlock: Mutation = (bytes, dice) => {
  const [from, to] = span(bytes, dice);
  return bytes.fill(dice.pick([0, 0xff, 0x20]), from, to);
};

/** The head of one and the tail of another. */
const splice: Mutation = (bytes, dice, others) => {
  const other = dice.pick(others);
  return Buffer.concat([
    bytes.subarray(0, dice.below(bytes.length + 1)),
    other.subarray(dice.below(other.length + 1)),
  ]);
};

const MUTATIONS: readonly Mutation[] = [
  ...[flipBits, flipBits, setBytes, setNumber, setNumber, cutEnd, cutMiddle],
  ...[insertNoise, repeatBlock, wipeBlock, splice],
];

/** A damaged copy of `bytes`. `others` lend their tails. */
export function mutateBytes(bytes: Uint8Array, dice: Dice, others: readonly Buffer[]): Buffer {
  let damaged: Buffer = Buffer.from(bytes);
  for (let n = dice.pick([1, 1, 1, 2, 2, 3, 4, 12]); n > 0; n -= 1) {
    damaged = damaged.length === 0 ? dice.bytes(dice.below(64)) : dice.pick(MUTATIONS)(damaged, dice, others);
  }
  return damaged;
}

function span(bytes: Buffer, dice: Dice): [number, number] {
  const from = dice.below(bytes.length);
  return [from, Math.min(bytes.length, from + dice.pick([1, 2, 4, 16, 64, 512, 4096]))];
}
