/** What each form of the contrastive loss does to models and embeddings: rows from the data behind Fig. 3 and 6. */
import { mean } from '../../../common/statistics.js';
import type { EmbeddingForm, Embeddings } from './embeddings.js';
import type { ContrastiveRow } from '../schema.js';

/** One row a form. Cosines are means over all pairs of models, of images where both or exactly one is right. */
export function contrastiveRows({ models, dimensions, forms, images }: Embeddings): ContrastiveRow[] {
  return forms.map((form) => {
    const { contrastive, weight, epochs, trainImages, accuracy } = form;
    const { both, one } = cosines(form, dimensions);
    return {
      form: contrastive,
      weight,
      epochs,
      trainImages,
      images: images.length,
      accuracy: Object.fromEntries(models.map((id, m) => [id, accuracy[m] ?? 0])),
      cosineBothRight: both.length > 0 ? mean(both) : null,
      cosineOneRight: one.length > 0 ? mean(one) : null,
      disagreementAuroc: form.aurocDisagreement,
    };
  });
}

function cosines({ vectors, right }: EmbeddingForm, dimensions: number): { both: number[]; one: number[] } {
  const found = { both: [] as number[], one: [] as number[] };
  vectors.forEach((a, i) => {
    vectors.slice(i + 1).forEach((b, offset) => {
      const j = i + 1 + offset;
      right[i]?.forEach((left, n) => {
        const agreed = left + (right[j]?.[n] ?? 0);
        if (agreed > 0) (agreed === 2 ? found.both : found.one).push(cosine(a, b, n, dimensions));
      });
    });
  });
  return found;
}

function cosine(a: Float32Array, b: Float32Array, image: number, dimensions: number): number {
  let sum = 0;
  for (let d = image * dimensions; d < (image + 1) * dimensions; d += 1) sum += (a[d] ?? 0) * (b[d] ?? 0);
  return sum;
}
