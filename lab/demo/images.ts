import { seededRandom, shuffled } from '../../common/random.js';
import { encodeJpeg } from '../../mux/image/image.js';
import { loadTestSet } from '../zoo/testset.js';
import type { Zoo } from '../../mux/zoo/zoo.js';

/** A frame that a demo camera will publish, and what it really shows. */
export interface DemoFrame {
  camera: string;
  jpeg: Uint8Array;
  /** Class index of the test image. */
  truth: number;
}

const JPEG_QUALITY = 95;

/** `frames` test images in seeded order as JPEG frames, dealt to the cameras in turn. */
export async function demoFrames(
  zoo: Zoo,
  frames: number,
  cameras: number,
  seed: number,
): Promise<DemoFrame[]> {
  const test = await loadTestSet(zoo);
  const order = shuffled([...Array(test.count).keys()], seededRandom(seed));
  const dealt: DemoFrame[] = [];
  for (let at = 0; at < frames; at += 1) {
    const index = order[at % order.length] ?? 0;
    const jpeg = await encodeJpeg(test.images(index), zoo.input, JPEG_QUALITY);
    dealt.push({ camera: `camera-${(at % cameras) + 1}`, jpeg, truth: test.label(index) });
  }
  return dealt;
}
