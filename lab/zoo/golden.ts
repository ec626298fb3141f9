/** The picture that both forms of an imported model are run on. */
import { readFile } from 'node:fs/promises';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { seededRandom } from '../../common/random.js';
import { decodePicture, prepare } from '../../mux/image/prepare.js';
import type { NetworkInput } from '../../mux/zoo/input.js';

/** Larger pictures than any camera's are a mistake. */
export const MOST_PIXELS = 200_000_000;

/**
 * A picture of the user's as the daemon would see it, or a made-up one.
 *
 * @returns uint8 HWC
 * @throws EdgemuxError CONFIG_INVALID where the file cannot be read or decoded
 */
export async function goldenPixels(file: string | null, input: NetworkInput): Promise<Uint8Array> {
  if (file === null) return madeUp(input);
  try {
    return await prepare(
      await decodePicture(await readFile(file), { maxPixels: MOST_PIXELS }, [input]),
      input,
    );
  } catch (cause) {
    throw new EdgemuxError('CONFIG_INVALID', `--image: ${file}: ${messageOf(cause)}`, { cause });
  }
}

/** Coloured blocks of an eighth of the picture, with noise: no two channels, rows or columns alike. */
function madeUp({ height, width, channels }: NetworkInput): Uint8Array {
  const random = seededRandom(1);
  const blocks = Array.from({ length: 8 * 8 * channels }, () => 30 + 195 * random());
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const place = Math.floor(i / channels);
    const row = Math.floor((8 * Math.floor(place / width)) / height);
    const column = Math.floor((8 * (place % width)) / width);
    return (blocks[(row * 8 + column) * channels + (i % channels)] ?? 0) + 60 * random() - 30;
  });
}
