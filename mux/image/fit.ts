/** Which part of a picture a network sees, and at which scale: whole numbers of pixels, as torchvision has them. */
import type { NetworkInput } from '../zoo/input.js';
import type { Region } from './resample.js';

export interface Fitted {
  /** The whole picture after scaling. */
  scaled: { width: number; height: number };
  /** What of it the network sees; smaller than its input only for a letterbox, which has bars around it. */
  seen: Region;
}

type Fit = Pick<NetworkInput, 'fit' | 'height' | 'share' | 'width'>;

/** `crop` is `Resize(round(size / share))` and `CenterCrop(size)`, roundings included. Sizes are at least 1. */
export function fitted(picture: { width: number; height: number }, input: Fit): Fitted {
  const { fit, height, width } = input;
  if (fit === 'crop') return cropped(picture, input);
  if (fit === 'stretch') return whole({ width, height });
  const scale = Math.min(width / picture.width, height / picture.height);
  const side = (length: number, most: number): number =>
    Math.min(most, Math.max(1, roundHalfToEven(length * scale)));
  return whole({ width: side(picture.width, width), height: side(picture.height, height) });
}

function whole(scaled: { width: number; height: number }): Fitted {
  return { scaled, seen: { left: 0, top: 0, width: scaled.width, height: scaled.height } };
}

function cropped(picture: { width: number; height: number }, { height, share, width }: Fit): Fitted {
  const across = roundHalfToEven(width / share);
  const down = roundHalfToEven(height / share);
  const scaled =
    across * picture.height >= down * picture.width
      ? { width: across, height: Math.max(height, Math.trunc((across * picture.height) / picture.width)) }
      : { width: Math.max(width, Math.trunc((down * picture.width) / picture.height)), height: down };
  return {
    scaled,
    seen: {
      left: roundHalfToEven((scaled.width - width) / 2),
      top: roundHalfToEven((scaled.height - height) / 2),
      width,
      height,
    },
  };
}

/** As Python rounds: 2.5 becomes 2, 3.5 becomes 4. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
