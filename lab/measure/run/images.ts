/** The frames of a campaign: labelled images, as a camera would send them. */
import { createHash } from 'node:crypto';
import { EdgemuxError } from '../../../common/errors.js';
import { seededRandom, shuffled } from '../../../common/random.js';
import { encodeJpeg } from '../../../mux/image/image.js';
import { loadTestSet } from '../../zoo/testset.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { folderImages } from '../../zoo/labelled.js';
import type { ImageRow } from '../store/rows.js';

export interface CampaignImages {
  /** The chosen images, `imageIndex` 0 to N − 1. */
  rows: ImageRow[];
  /** The encoded image. */
  bytes(imageIndex: number): Promise<Uint8Array>;
  note: string | null;
}

const JPEG_QUALITY = 95;
/** What the daemon decodes. */
const PICTURE = /\.(jpe?g|png|webp)$/i;

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
  const source = data === 'zoo' ? await zooSource(zoo) : await folderSource(zoo, data);
  if (source.indices.length < count) {
    throw new EdgemuxError(
      'CONFIG_INVALID',
      `--frames ${count}, but ${data === 'zoo' ? 'the zoo' : data} has ${source.indices.length} images`,
    );
  }
  const chosen = shuffled(source.indices, seededRandom(seed)).slice(0, count);
  const rows: ImageRow[] = [];
  for (const [imageIndex, i] of chosen.entries()) {
    const bytes = await source.bytes(i);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    rows.push({ imageIndex, name: source.name(i), label: source.label(i), bytes: bytes.length, sha256 });
  }
  return { rows, bytes: (imageIndex) => source.bytes(chosen[imageIndex] ?? 0), note: source.note };
}

interface Source {
  indices: number[];
  note: string | null;
  name(i: number): string;
  label(i: number): number;
  bytes(i: number): Promise<Uint8Array>;
}

/** Every image is encoded once: encoding is no part of what is measured. */
async function zooSource(zoo: Zoo): Promise<Source> {
  const test = await loadTestSet(zoo);
  const encoded = new Map<number, Promise<Uint8Array>>();
  return {
    indices: [...Array(test.count).keys()],
    note: null,
    label: test.label,
    name: (i) => `test/${i}`,
    bytes: (i) => {
      const known = encoded.get(i) ?? encodeJpeg(test.images(i), zoo.input, JPEG_QUALITY);
      encoded.set(i, known);
      return known;
    },
  };
}

async function folderSource(zoo: Zoo, dir: string): Promise<Source> {
  const images = await folderImages(zoo, dir);
  const name = (i: number): string => String(images.key(i));
  return {
    indices: [...Array(images.count).keys()].filter((i) => PICTURE.test(name(i))),
    note: images.note,
    label: images.label,
    name,
    bytes: (i) => images.encoded(i),
  };
}
