import { seededRandom, shuffled } from '../../common/random.js';
import { EdgemuxError } from '../../common/errors.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import { cameraImages, daemonPictures } from '../zoo/labelled.js';

/** A frame that a demo camera will publish, and what it really shows. */
export interface DemoFrame {
  camera: string;
  /** JPEG, PNG or WebP. */
  image: Uint8Array;
  /** Class index of the image; null where nothing says it. */
  truth: number | null;
}

/**
 * `frames` images in seeded order, dealt to the cameras in turn: the zoo's test images as JPEG, or pictures as they are.
 *
 * @param dir folder of pictures, labelled or not; null: the zoo's own test images
 * @throws EdgemuxError CONFIG_INVALID where the folder has none that a camera could send
 */
export async function demoFrames(
  zoo: Zoo,
  {
    frames,
    cameras,
    seed,
    images: dir,
  }: { frames: number; cameras: number; seed: number; images: string | null },
): Promise<{ dealt: DemoFrame[]; note: string | null }> {
  const images = await cameraImages(zoo, dir);
  const order = shuffled(daemonPictures(images), seededRandom(seed));
  if (order.length === 0)
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--images: ${dir} has no picture that a camera sends (JPEG, PNG, WebP)`,
    );
  const dealt: DemoFrame[] = [];
  for (let at = 0; at < frames; at += 1) {
    const index = order[at % order.length] ?? 0;
    const image = await images.encoded(index);
    dealt.push({ camera: `camera-${(at % cameras) + 1}`, image, truth: images.label(index) });
  }
  return { dealt, note: images.note };
}
