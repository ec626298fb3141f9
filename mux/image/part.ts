import { pictureOf, type Picture } from './prepare.js';

/** A rectangle in shares of a picture's sides: `x + width` and `y + height` are at most 1. */
export interface PictureShare {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The part of a picture as a picture of its own: at least a pixel, rounded to whole ones. Copies.
 * @param picture of its full size, so that the part has all of its pixels
 */
export function partOf(picture: Picture, share: PictureShare): Picture {
  const { channels, pixels } = picture;
  const [left, width] = range(share.x, share.width, picture.width);
  const [top, height] = range(share.y, share.height, picture.height);
  const line = width * channels;
  const part = new Uint8Array(line * height);
  for (let row = 0; row < height; row += 1) {
    const from = ((top + row) * picture.width + left) * channels;
    part.set(pixels.subarray(from, from + line), row * line);
  }
  return { ...pictureOf(part, { width, height, channels }), damaged: picture.damaged };
}

/** First pixel and number of pixels of a stretch of a side. */
function range(start: number, length: number, side: number): [number, number] {
  const first = Math.min(side - 1, Math.round(start * side));
  return [first, Math.max(1, Math.min(side, Math.round((start + length) * side)) - first)];
}
