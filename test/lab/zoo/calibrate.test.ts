/** The confidence of a cascade, against the rule spelled out; and a calibrated import. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { chooseConfidence, type Answered } from '../../../lab/zoo/calibrate.js';
import { encodePng } from '../../../mux/image/image.js';
import { both, imported, LABELS, SIDE } from './support/tiny.js';

const rows = fc.array(
  fc.record({
    confidence: fc.integer({ min: 1, max: 20 }).map((n) => n / 20),
    localRight: fc.boolean(),
    cloudRight: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

/** What a cascade with this confidence does on the rows. */
function cascade(all: readonly Answered[], confidence: number): { accuracy: number; offload: number } {
  const kept = all.filter((row) => row.confidence >= confidence);
  const sent = all.filter((row) => row.confidence < confidence);
  const right = kept.filter((row) => row.localRight).length + sent.filter((row) => row.cloudRight).length;
  return { accuracy: right / all.length, offload: sent.length / all.length };
}

t.test('the chosen confidence does what is said of it, reaches the target and offloads least', (t) => {
  fc.assert(
    fc.property(rows, (all) => {
      const found = chooseConfidence(all);
      const does = cascade(all, found.confidence);
      if (Math.abs(does.accuracy - found.cascadeAccuracy) > 1e-9) return false;
      if (Math.abs(does.offload - found.offloadShare) > 1e-9) return false;
      const target = found.localAccuracy + found.gapShare * (found.cloudAccuracy - found.localAccuracy);
      if (found.cloudAccuracy <= found.localAccuracy) return found.confidence === 0;
      const others = Array.from({ length: 21 }, (_, n) => cascade(all, n / 20 - 0.025));
      const least = Math.min(...others.filter((o) => o.accuracy >= target - 1e-9).map((o) => o.offload));
      if (least === Infinity) return true; // the local model is as sure as can be where it is wrong
      return does.accuracy >= target - 1e-9 && does.offload <= least + 1e-9;
    }),
  );
  t.end();
});

t.test('an import with labelled images ships the confidence that they ask for', async (t) => {
  const images = join(t.testdir(), 'images');
  for (const [k, name] of LABELS.entries()) {
    await mkdir(join(images, name), { recursive: true });
    for (let i = 0; i < 8; i += 1) {
      const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, p) => (p * 31 + i * 57 + k * 91) % 256);
      await writeFile(
        join(images, name, `${i}.png`),
        await encodePng(pixels, { height: SIDE, width: SIDE, channels: 3 }),
      );
    }
    await writeFile(join(images, name, 'broken.png'), 'no picture');
  }
  const { zoo, said } = await imported(t, both(), { calibrate: images }, join(t.testdirName, 'in'));
  t.match(said, /set by 24 images/);
  t.match(said, /left out cat\/broken.png/);
  const { thresholds, calibration } = zoo.manifest.policy;
  t.match(calibration, { images: 24, gapShare: 0.98 });
  t.equal(typeof thresholds.confidence, 'number');
});
