/** The frames of a campaign: labelled images, as a camera would send them. */
import { createHash } from 'node:crypto';
import { EdgemuxError } from '../../../common/errors.js';
import { seededRandom, shuffled } from '../../../common/random.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { daemonPictures, evaluationImages } from '../../zoo/labelled.js';
import type { ImageRow } from '../store/rows.js';

export interface CampaignImages {
  /** The chosen images, `imageIndex` 0 to N − 1. */
  rows: ImageRow[];
  /** The encoded image. */
  bytes(imageIndex: number): Promise<Uint8Array>;
  note: string | null;
}

/**
 * `count` images in seeded choice: the zoo's test images as JPEG, or pictures below `<data>/<class>/` as they are.
 * @throws EdgemuxError CONFIG_INVALID where there are not enough; ZOO_INVALID where the zoo ships none
 */
export async function campaignImages(
  zoo: Zoo,
  data: string,
  count: number,
  seed: number,
): Promise<CampaignImages> {
  const images = await evaluationImages(zoo, data === 'zoo' ? null : data);
  const known = new Map<number, Promise<Uint8Array>>();
  /** What is kept as pixels is encoded once: encoding is no part of what is measured. */
  const bytesOf = (i: number): Promise<Uint8Array> => {
    if (typeof images.key(i) === 'string') return images.encoded(i);
    const found = known.get(i) ?? images.encoded(i);
    known.set(i, found);
    return found;
  };
  const indices = daemonPictures(images);
  if (indices.length < count) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--frames ${count}, but ${data === 'zoo' ? 'the zoo' : data} has ${indices.length} images`,
    );
  }
  const chosen = shuffled(indices, seededRandom(seed)).slice(0, count);
  const rows: ImageRow[] = [];
  for (const [imageIndex, i] of chosen.entries()) {
    const bytes = await bytesOf(i);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = images.key(i);
    const name = typeof key === 'string' ? key : `test/${key}`;
    rows.push({ imageIndex, name, label: images.label(i), bytes: bytes.length, sha256 });
  }
  return { rows, bytes: (imageIndex) => bytesOf(chosen[imageIndex] ?? 0), note: images.note };
}
