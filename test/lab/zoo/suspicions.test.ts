/** What is said of models that answer badly, and that nothing is said of those that are only weak. */
import t from 'tap';
import { seededRandom } from '../../../common/random.js';
import { oddNormalisation, Suspicions } from '../../../lab/zoo/suspicions.js';

const CLASSES = 10;
type Answer = (label: number, random: () => number) => number;

function warnings(count: number, ...models: Answer[]): string[] {
  const random = seededRandom(7);
  const found = new Suspicions(
    models.map((_, m) => `m${m}`),
    CLASSES,
  );
  for (let i = 0; i < count; i += 1) {
    const label = i % CLASSES;
    found.add(
      label,
      models.map((answer) => {
        const probabilities = new Float32Array(CLASSES);
        probabilities[answer(label, random)] = 1;
        return probabilities;
      }),
    );
  }
  return found.warnings();
}

const guess: Answer = (_, random) => Math.floor(random() * CLASSES);
const skilled =
  (share: number, order: (k: number) => number = (k) => k): Answer =>
  (label, random) =>
    order(random() < share ? label : Math.floor(random() * CLASSES));

t.test('a weak model and a good one are only that', (t) => {
  t.same(warnings(300, skilled(0.3), skilled(0.95)), []);
  t.same(warnings(10, guess, guess), [], 'too few images to say anything');
  t.end();
});

t.test('a model that guesses sees other pixels', (t) => {
  const [line = '', ...more] = warnings(400, guess, skilled(0.9));
  t.match(line, /m0 is right for .* chance.*other pixels.*--mean, --std, --scale/);
  t.same(more, []);
  t.end();
});

t.test('a good model of another class order is known by its order', (t) => {
  const turned = skilled(0.9, (k) => (k + 3) % CLASSES);
  const [line = ''] = warnings(400, turned, skilled(0.9));
  t.match(line, /m0 is right for .*otherwise it would be for [89]\d.*--class-order m0=FILE/);
  t.end();
});

t.test('a model that answers one class is said to be stuck', (t) => {
  const [line = ''] = warnings(200, skilled(0.9), () => 4);
  t.match(line, /m1 answers class 4 for 100.0 %.*--scale 1/);
  t.end();
});

t.test('models that agree no more than by chance are named where each is better than chance', (t) => {
  // Each is right on half of the images, and never on the same ones.
  const half =
    (odd: number): Answer =>
    (label) =>
      label % 2 === odd ? label : (label + 5) % CLASSES;
  const [line = ''] = warnings(400, half(0), half(1));
  t.match(line, /m0 and m1 agree on .*another class order/);
  t.end();
});

t.test('means of the other scale are seen without a picture', (t) => {
  const colour = 'rgb' as const;
  const said = (scale: number, mean: number[], std: number[]) =>
    oddNormalisation('cloud', { colour, scale, mean, std });
  t.match(said(255, [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]), /pass --scale cloud=1/);
  t.match(said(1, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), /pass --scale cloud=255/);
  t.equal(said(255, [0.485], [0.229]), null);
  t.equal(said(1, [127], [128]), null);
  t.equal(said(1, [0], [1]), null, 'pixels as they are');
  t.end();
});
