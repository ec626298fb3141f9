import { seededRandom, shuffled } from '../../common/random.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { daemonPictures, evaluationImages } from '../zoo/labelled.js';

/** A frame that a demo camera will publish, and what it really shows. */
export interface DemoFrame {
  camera: string;
  /** JPEG, PNG or WebP. */
  image: Uint8Array;
  /** Class index of the image. */
  truth: number;
}

/**
 * `frames` images in seeded order, dealt to the cameras in turn: the zoo's test images as JPEG, or pictures as they are.
 *
 * @param dir folder of labelled pictures; null: the zoo's own test images
 */
export async function demoFrames(
  zoo: Zoo,
  {
    frames,
    cameras,
    seed,
    images: dir,
  }: { frames: number; cameras: number; seed: number; images: string | null },
): Promise<DemoFrame[]> {
  const images = await evaluationImages(zoo, dir);
  const order = shuffled(daemonPictures(images), seededRandom(seed));
  const dealt: DemoFrame[] = [];
  for (let at = 0; at < frames; at += 1) {
    const index = order[at % order.length] ?? 0;
    const image = await images.encoded(index);
    dealt.push({ camera: `camera-${(at % cameras) + 1}`, image, truth: images.label(index) });
  }
  return dealt;
}
