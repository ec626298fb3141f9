/** What a device sends of a picture: what the server's networks need of it, never what its own networks see. */
import { encodeForUpload, type EncodedImage } from '../image/image.js';
import { groupOf } from '../rules/group-settings.js';
import { distinctInputs, GROUP_MUX_ID, type NetworkInput } from './input.js';
import { refit, type PictureViews, type Prepared } from './views.js';
import type { Zoo } from './zoo.js';

export interface Upload extends EncodedImage {
  /** null where the bytes show the whole picture. */
  prepared: Prepared | null;
}

/** Inputs of every network that a server of this zoo may run, each once. */
export function serverInputs(zoo: Zoo): NetworkInput[] {
  const group = zoo.manifest.mux?.group ? [GROUP_MUX_ID] : [];
  return distinctInputs([...groupOf(zoo).ids, ...group].map((network) => zoo.inputOf(network)));
}

/**
 * The one input from which all others can be scaled without loss; null where they look at different parts of the
 * picture, so that only the whole of it will do.
 */
export function commonInput(inputs: readonly NetworkInput[]): NetworkInput | null {
  const [first] = inputs;
  if (!first) return null;
  const height = Math.max(...inputs.map((input) => input.height));
  const width = Math.max(...inputs.map((input) => input.width));
  const common = { ...first, height, width, channels: widest(inputs) };
  const scaled = (input: NetworkInput): boolean =>
    input.fit === common.fit && refit(input, common).fit === 'stretch';
  return inputs.every(scaled) ? common : null;
}

/**
 * Makes the upload: the fewer bytes of the original and of what the server's networks need.
 *
 * @param original the image as the camera sent it; null where the picture is a part of it
 * @throws EdgemuxError IMAGE_UNDECODABLE
 */
export async function makeUpload(
  inputs: readonly NetworkInput[],
  views: PictureViews,
  original: Uint8Array | null,
): Promise<Upload> {
  const common = commonInput(inputs);
  const input = common ?? wholeInput(inputs, views.size ?? { height: 1, width: 1 });
  const image = await encodeForUpload(await views.as(input), input, original);
  const { fit, height, width } = input;
  return { ...image, prepared: common && image.bytes !== original ? { fit, height, width } : null };
}

/** The whole picture in its own shape, no larger than the most demanding of `inputs` needs it. */
export function wholeInput(
  inputs: readonly NetworkInput[],
  { height, width }: { height: number; width: number },
): NetworkInput {
  const [first] = inputs;
  if (!first) throw new Error('a server without networks');
  const scale = Math.min(1, Math.max(...inputs.map((input) => scaleFor(input, { height, width }))));
  const size = (side: number): number => Math.max(1, Math.ceil(side * scale));
  return {
    ...first,
    fit: 'stretch',
    share: 1,
    channels: widest(inputs),
    height: size(height),
    width: size(width),
  };
}

/** By how much a picture is scaled on its way to an input; where the sides differ, the larger. */
function scaleFor(
  { fit, height, share, width }: NetworkInput,
  picture: { height: number; width: number },
): number {
  const [down, across] = [height / picture.height, width / picture.width];
  if (fit === 'letterbox') return Math.min(down, across);
  return Math.max(down, across) / (fit === 'crop' ? share : 1);
}

function widest(inputs: readonly NetworkInput[]): 1 | 3 {
  return inputs.some(({ channels }) => channels === 3) ? 3 : 1;
}
