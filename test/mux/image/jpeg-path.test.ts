/**
 * What the way through a JPEG costs: camera encodes, device decodes, the networks see other pixels.
 * The first 2,000 test images, or all 10,000 with EDGEMUX_TEST_FULL=1.
 */
import t from 'tap';
import { checkImage } from '../../../mux/image/image-check.js';
import { decodeImage, encodeForUpload, encodeJpeg } from '../../../mux/image/image.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import { loadTestSet } from '../../../lab/zoo/testset.js';
import { loadZoo } from '../../../mux/zoo/zoo.js';
import { cpuInference, row, SHIPPED_ZOO } from '../support/zoos.js';

const CAMERA_QUALITY = 95;
const count = process.env['EDGEMUX_TEST_FULL'] === '1' ? 10_000 : 2_000;
const limits = { maxBytes: 1 << 20, maxPixels: 1 << 20 };
const STEP = 250;

const zoo = await loadZoo(SHIPPED_ZOO);
const set = await loadTestSet(zoo);
const inference = cpuInference(zoo);
t.setTimeout(170_000);
t.before(() => inference.start());
t.teardown(() => inference.stop());

/** What a camera sends and the device decodes of image i. */
async function throughJpeg(i: number): Promise<Uint8Array> {
  const jpeg = await encodeJpeg(set.images(i), zoo.input, CAMERA_QUALITY);
  checkImage(jpeg, limits);
  return decodeImage(jpeg, zoo.input, limits);
}

/** What a server decodes of the device's upload of image i. */
async function throughUpload(i: number): Promise<Uint8Array> {
  const upload = await encodeForUpload(set.images(i), zoo.input, new Uint8Array(100_000));
  checkImage(upload.bytes, limits);
  return decodeImage(upload.bytes, zoo.input, limits);
}

/** Right answers of each model over the first `total` images, as seen through `way`. */
async function rightAnswers(total: number, way: (i: number) => Promise<Uint8Array> | Uint8Array) {
  const right: Record<string, number> = {};
  for (let from = 0; from < total; from += STEP) {
    const images = await Promise.all(Array.from({ length: STEP }, (_, i) => way(from + i)));
    for (const { id } of zoo.manifest.models) {
      const { probabilities } = await inference.classify(id, Buffer.concat(images), STEP);
      const hits = images.filter(
        (_, i) => argmax(row(probabilities, i, zoo.classes)) === set.label(from + i),
      );
      right[id] = (right[id] ?? 0) + hits.length;
    }
  }
  return right;
}

t.test('the JPEG path loses less than 0.5 points against the raw tensors', async (t) => {
  const raw = await rightAnswers(count, (i) => set.images(i));
  const seen = await rightAnswers(count, throughJpeg);
  for (const { id } of zoo.manifest.models) {
    const lostPoints = (100 * ((raw[id] ?? 0) - (seen[id] ?? 0))) / count;
    t.ok(lostPoints < 0.5, `${id} loses ${lostPoints.toFixed(2)} points on ${count} images`);
    t.comment(`${id}: raw ${raw[id]}, JPEG ${seen[id]} of ${count}`);
  }
});

t.test('the upload changes no pixel of a small input', async (t) => {
  for (let i = 0; i < 100; i += 1) {
    t.same(Buffer.from(await throughUpload(i)), Buffer.from(set.images(i)));
  }
});
