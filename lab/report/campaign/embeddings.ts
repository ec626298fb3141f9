/** Fig. 3 and Fig. 6: the zoo's projected embeddings in the plane, without and with the contrastive loss. */
import { seededRandom, shuffled } from '../../../common/random.js';
import type { Embeddings } from '../../eval/outputs/embeddings.js';
import type { Point } from '../../charts/spec.js';
import type { Section } from '../document.js';
import { tsne } from './tsne.js';

const NAMES: Record<string, string> = {
  none: 'Before: cross-entropy only',
  bounded: 'After: contrastive loss, bounded',
  paper: 'After: eq. 2 as printed',
};
const ORDER = ['none', 'bounded', 'paper'];
const SEED = 1;

/** @param count images; each is a point for every model */
export function embeddingsSection(
  embeddings: Embeddings,
  count: number,
  progress: (what: string, done: number) => void,
): Section {
  const { forms } = embeddings;
  const images = shuffled([...embeddings.images.keys()], seededRandom(SEED)).slice(0, count);
  const shown = ORDER.flatMap((name) => {
    const at = forms.findIndex(({ contrastive }) => contrastive === name);
    return at < 0 ? [] : [{ name, at }];
  });
  const panels = shown.map(({ name, at }, n) => {
    const tell = (done: number): void => progress('t-SNE of embeddings', (n + done) / shown.length);
    return { name: NAMES[name] ?? name, groups: panelOf(embeddings, at, images, tell) };
  });
  return {
    id: 'embeddings',
    title: 'Fig. 3 and Fig. 6: the embeddings',
    lead:
      'The contrastive loss is to draw the embeddings of models that are right together and to push those of a model that is ' +
      'wrong away, so that a small mux can tell them apart.',
    blocks: [
      {
        kind: 'figure',
        id: 'embeddings-tsne',
        width: 'full',
        chart: {
          kind: 'clouds',
          title: 'Embeddings in the plane (t-SNE): right against wrong',
          panels,
          groups: [
            { name: 'the model is right', colour: 'blue' },
            { name: 'the model is wrong', colour: 'vermilion' },
          ],
        },
        caption: captionOf(embeddings, images.length, shown),
      },
    ],
  };
}

function captionOf(
  { forms, models, images: all, notes }: Embeddings,
  images: number,
  shown: readonly { name: string; at: number }[],
): string {
  const found = shown.map(
    ({ name, at }) => `${NAMES[name] ?? name}: ${(forms[at]?.aurocDisagreement ?? NaN).toFixed(2)}`,
  );
  return (
    `${images} of ${all.length} test images, a point for each of ${models.join(', ')}; perplexity 30, 500 steps, ` +
    `seed ${SEED}. Distances between far groups mean nothing in t-SNE. How well the distance of two models' embeddings tells ` +
    `where one of them is wrong (AUROC, 0.5 is chance): ${found.join('; ')}. ${notes}`
  );
}

/** Points of right and of wrong answers. */
function panelOf(
  { models, dimensions, forms }: Embeddings,
  at: number,
  images: readonly number[],
  progress: (done: number) => void,
): [Point[], Point[]] {
  const rows = models.flatMap((_, model) => images.map((image) => ({ model, image })));
  const vectors = rows.map(({ model, image }) =>
    Array.from(forms[at]?.vectors[model]?.subarray(image * dimensions, (image + 1) * dimensions) ?? []),
  );
  const points = tsne(vectors, { perplexity: 30, iterations: 500, seed: SEED, progress });
  const groups: [Point[], Point[]] = [[], []];
  points.forEach(([x, y], i) => {
    const row = rows[i];
    const right = row && forms[at]?.right[row.model]?.[row.image] === 1;
    groups[right ? 0 : 1].push([Number(x.toFixed(2)), Number(y.toFixed(2))]);
  });
  return groups;
}
