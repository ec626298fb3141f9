/** The 600 photographs, what a peer answers on them, and what the networks of a zoo answer. */
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../../../common/errors.js';
import { evaluationImages } from '../../../lab/zoo/labelled.js';
import { judge } from '../../../lab/zoo/judge.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { cpuInference } from '../../mux/support/zoos.js';

export const PHOTOGRAPHS = '../shared/data/photos';
export const withoutPhotographs = existsSync(PHOTOGRAPHS) ? false : `no ${PHOTOGRAPHS}`;

/** Class that Pillow and ONNX Runtime give, by network and name of the photograph (test/models/support/answers.py). */
export function peerAnswers(): Map<string, Record<string, number>> {
  const lines = readFileSync('test/fixtures/imagenet-lite-answers.txt', 'utf8').trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [name = '', ...classes] = line.split(' ');
      const [lite0 = NaN, lite1 = NaN, lite2 = NaN] = classes.map(Number);
      return [name, { lite0, lite1, lite2 }];
    }),
  );
}

export interface Answered {
  name: string;
  label: number;
  /** By network. */
  probabilities: Record<string, Float32Array>;
}

/** Every model of the zoo on every `step`th photograph. */
export async function answersOf(zoo: Zoo, step: number): Promise<Answered[]> {
  const images = await evaluationImages(zoo, PHOTOGRAPHS);
  const models = zoo.manifest.models.map(({ id }) => id);
  const inference = cpuInference(zoo, { models, mux: null });
  await inference.start();
  const found: Answered[] = [];
  try {
    const which = Array.from({ length: images.count }, (_, i) => i).filter((i) => i % step === 0);
    const deps = {
      inference,
      images,
      stopped: () => false,
      failed: (index: number, why: unknown) => {
        throw new Error(`${images.key(index)}: ${messageOf(why)}`);
      },
      judged: ({ index, label, probabilities }: Parameters<Parameters<typeof judge>[0]['judged']>[0]) => {
        const named = Object.fromEntries(models.map((id, m) => [id, Float32Array.from(probabilities[m] ?? [])]));
        found.push({ name: String(images.key(index)), label, probabilities: named });
      },
    };
    await judge(deps, zoo, models, which);
  } finally {
    await inference.stop();
  }
  return found;
}
