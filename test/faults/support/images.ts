/** Real images that are each sent once: the same pictures, made distinct by a comment that no decoder shows. */
import { createHash } from 'node:crypto';
import { encodeJpeg } from '../../../mux/image/image.js';
import { shippedZoo } from '../../support/system.js';

/** JPEGs of the first `count` test images of the shipped zoo. */
export async function testJpegs(count: number): Promise<Uint8Array[]> {
  const { zoo, test } = await shippedZoo();
  const jpegs = Array.from({ length: count }, (_, index) => encodeJpeg(test.images(index), zoo.input, 95));
  return Promise.all(jpegs);
}

/** A JPEG with a comment segment (ITU-T T.81, B.2.4.5) after its start marker: other bytes, the same picture. */
export function distinctJpeg(jpeg: Uint8Array, text: string): Uint8Array {
  const comment = Buffer.from(text);
  const head = Buffer.from([0xff, 0xfe, 0, 0]);
  head.writeUInt16BE(comment.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, comment, jpeg.subarray(2)]);
}

/** An image with bytes that no decoder shows: a JPEG's comment, or behind the end. */
export function distinctImage(image: Uint8Array, text: string): Uint8Array {
  return image[0] === 0xff ? distinctJpeg(image, text) : Buffer.concat([image, Buffer.from(text)]);
}

/** The first 52 bits of a hash of `bytes`, as a number: short enough to keep one for each frame of many hours. */
export function shortHash(bytes: string | Uint8Array): number {
  return shortOf(createHash('sha256').update(bytes).digest('hex'));
}

/** The same from a SHA-256 in hex. */
export function shortOf(sha256: string): number {
  return Number.parseInt(sha256.slice(0, 13), 16);
}
