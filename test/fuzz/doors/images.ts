/** Camera payloads through the real check and the real decoder. */
import { checkImage } from '../../../mux/image/image-check.js';
import { decodeImage, encodeForUpload } from '../../../mux/image/image.js';
import { unwrapImage } from '../../../mux/image/unwrap.js';
import type { Dice } from '../dice.js';
import { insist, refusalOr, type Door } from '../door.js';
import { bombs, soundImages } from '../image-corpus.js';
import { mutateBytes } from '../mutate-bytes.js';

const LIMITS = { maxBytes: 16 << 20, maxPixels: 40_000_000 };
const SHAPES = [
  { height: 28, width: 28, channels: 1 },
  { height: 224, width: 224, channels: 3 },
] as const;

/** Bombs cost time: each comes once as it is, and then one in so many cases is a damaged one. */
const BOMB_SHARE = 1 / 150;

export const images: Door = {
  name: 'images',
  cases: 7000,
  async open() {
    const sound = await soundImages();
    const heavy = await bombs();
    return {
      knock(dice, index) {
        const bomb =
          heavy[index] ?? (dice.chance(BOMB_SHARE) ? mutateBytes(dice.pick(heavy), dice, sound) : null);
        const payload = bomb ?? wrapped(damaged(sound, dice), dice);
        return refusalOr(() => take(payload, dice), 'decoded');
      },
    };
  },
};

/** Sound in one of ten cases. */
export function damaged(sound: readonly Buffer[], dice: Dice): Buffer {
  const image = dice.pick(sound);
  return dice.chance(0.1) ? image : mutateBytes(image, dice, sound);
}

/** As some cameras send it: as text. */
export function wrapped(bytes: Buffer, dice: Dice): Buffer {
  if (!dice.chance(0.1)) return bytes;
  const base64 = `${dice.pick(['', 'data:image/jpeg;base64,', 'DATA:image/JPEG;q=1;BASE64, '])}${bytes.toString('base64')}`;
  const value = dice.pick([base64, JSON.stringify(base64), JSON.stringify(bytes)]);
  const text = Buffer.from(
    dice.chance(0.5) ? value : JSON.stringify({ other: [1, { a: '"' }], image: base64 }),
  );
  return dice.chance(0.5) ? text : mutateBytes(text, dice, [text]);
}

async function take(payload: Uint8Array, dice: Dice): Promise<void> {
  const bytes = unwrapImage(payload, { maxBytes: LIMITS.maxBytes, path: dice.pick([null, 'image']) });
  const info = checkImage(bytes, LIMITS);
  insist(info.width * info.height <= LIMITS.maxPixels, 'more pixels than allowed were admitted');
  const shape = dice.pick(SHAPES);
  const pixels = await decodeImage(bytes, shape, LIMITS);
  insist(pixels.length === shape.height * shape.width * shape.channels, 'pixels of another size');
  const upload = await encodeForUpload(pixels, shape, bytes);
  insist(upload.bytes.length <= bytes.length, 'the upload is larger than the original');
}
