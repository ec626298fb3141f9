/**
 * What a network takes, and how a picture becomes it, as the network's training had it.
 *
 * A network takes uint8 NHWC; normalisation is inside its graph. `fit` says which part of the picture it sees:
 * `stretch` all of it, out of shape where need be; `crop` the middle (torchvision's `Resize(round(size / share))` of
 * the shorter side and `CenterCrop(size)`); `letterbox` all of it in shape, with black bars.
 */

/** Name of the pair's mux among the networks; no model id can be equal to it. */
export const MUX_ID = '(mux)';
/** Name of the group's mux. */
export const GROUP_MUX_ID = '(mux-group)';

export const FITS = ['stretch', 'crop', 'letterbox'] as const;
export const KERNELS = ['bilinear', 'bicubic', 'lanczos'] as const;
export type Fit = (typeof FITS)[number];
export type Kernel = (typeof KERNELS)[number];

export interface NetworkInput {
  /** In pixels. */
  height: number;
  width: number;
  /** 1 is grey, 3 sRGB. */
  channels: 1 | 3;
  layout: 'NHWC';
  dtype: 'uint8';
  fit: Fit;
  /** Part of the picture's shorter side that `crop` keeps, in (0, 1]. */
  share: number;
  kernel: Kernel;
}

/** How pictures became inputs before a manifest could say it. */
const AS_EVER = { fit: 'stretch', share: 1, kernel: 'lanczos' } as const;

/** `input` as a manifest writes it: what a manifest of version 1 has, and may leave out, the rest. */
export type InputEntry = Omit<NetworkInput, 'fit' | 'share' | 'kernel'> &
  Partial<Pick<NetworkInput, 'fit' | 'share' | 'kernel'>>;

/** An input with what its manifest leaves out. */
export function networkInput(entry: InputEntry): NetworkInput {
  return { ...AS_EVER, ...entry };
}

/** Equal for inputs that take the very same pixels of any picture: `224x224x3 crop 0.875 bicubic`. */
export function inputKey({ height, width, channels, fit, share, kernel }: NetworkInput): string {
  return `${height}x${width}x${channels} ${fit} ${fit === 'crop' ? `${share} ` : ''}${kernel}`;
}

/** Bytes of one image, or values: height · width · channels. */
export function inputBytes({
  height,
  width,
  channels,
}: Pick<NetworkInput, 'height' | 'width' | 'channels'>): number {
  return height * width * channels;
}

/** One of each kind, in the order given. */
export function distinctInputs(inputs: readonly NetworkInput[]): NetworkInput[] {
  return [...new Map(inputs.map((input) => [inputKey(input), input])).values()];
}
