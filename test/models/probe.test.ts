/**
 * `zoo import --probe` on photographs: the preparation that EfficientNet-Lite was trained with is first or tied with the first,
 * and what people get wrong is told apart.
 *
 * With EDGEMUX_TEST_FULL=1, on 300 photographs and the ONNX files that EDGEMUX_ONNX names (`npm run peers -- zoo`).
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { readClassNames } from '../../lab/zoo/class-names.js';
import { importOptions } from '../../lab/zoo/import-options.js';
import { normalisations, preparationText, type Ranked } from '../../lab/zoo/preparations.js';
import { probePictures, tryPreparations } from '../../lab/zoo/try-preparations.js';
import { anyPictures } from '../../lab/zoo/class-folders.js';
import { loadZoo } from '../../mux/zoo/zoo.js';
import { PHOTOGRAPHS, withoutPhotographs } from './support/photographs.js';

const ONNX = process.env['EDGEMUX_ONNX'];
const skip = withoutPhotographs || (ONNX === undefined && 'EDGEMUX_ONNX names no folder of ONNX files');
const NETWORKS = ['lite0', 'lite1', 'lite2'];
const [PYTORCH] = normalisations('rgb');

const isTrue = ({ normalisation: { scale, mean, std, colour }, fitting }: Ranked): boolean =>
  [scale, mean.join(), std.join(), colour].join(' ') === '1 127 128 rgb' &&
  [fitting.fit, fitting.share, fitting.kernel].join(' ') === 'crop 0.875 bicubic';

for (const id of NETWORKS) {
  t.test(`${id}: the true preparation is among the first`, { skip, timeout: 7_200_000 }, async (t) => {
    const folder = resolve(ONNX ?? '');
    const labels = join(folder, 'labels.txt');
    const file = join(folder, `efficientnet-${id}.onnx`);
    const options = importOptions({
      model: [`local=${file}`, `cloud=${file}`],
      labels,
      probe: PHOTOGRAPHS,
    });
    const names = await readClassNames(labels);
    const pictures = await probePictures(names, PHOTOGRAPHS, 300);
    t.equal(pictures.labels?.length, 300);
    const rows = await tryPreparations(options.models[0]!, null, names, pictures);
    const tied = rows.filter((row) => row.tied);
    t.ok(tied.some(isTrue), `${tied.length} tied`);
    t.notOk(
      tied.some(({ normalisation }) => normalisation.mean.join() === PYTORCH?.mean.join()),
      "PyTorch's mean and deviation are none of them",
    );
    t.notOk(
      tied.some(({ fitting }) => fitting.fit === 'stretch'),
      'nor is stretching',
    );
    for (const row of rows)
      t.comment(`${row.tied ? '=' : ' '} ${(100 * row.score).toFixed(1)} % ${preparationText(row)}`);
  });
}

t.test('photographs in one folder, named by WordNet ids, are labelled, and others are not', { skip: withoutPhotographs }, async (t) => {
  const zoo = await loadZoo('models/imagenet-lite');
  const dir = t.testdir();
  const { files } = await anyPictures(zoo, PHOTOGRAPHS);
  t.equal(files.length, 600);
  t.ok(files.every(({ label }) => label !== null));
  mkdirSync(join(dir, 'holiday'));
  for (const [i, { path }] of files.slice(0, 3).entries())
    symlinkSync(resolve(PHOTOGRAPHS, path), join(dir, 'holiday', `${i}.jpg`));
  const plain = await anyPictures(zoo, dir);
  t.same(
    plain.files.map(({ path, label }) => [path, label]),
    [0, 1, 2].map((i) => [`holiday/${i}.jpg`, null]),
  );
  t.match(plain.note, /nothing says which classes its 3 pictures show, so there is no accuracy/);
});
