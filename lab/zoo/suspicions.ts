/**
 * What is probably wrong with models that answer badly, said by its likely cause: figures alone look the same whether a
 * model is weak or sees other pixels, or other classes, than it was trained with.
 */
import { seededRandom } from '../../common/random.js';
import { wilsonInterval } from '../../common/statistics.js';
import { argmax } from '../../mux/rules/probabilities.js';
import type { Normalisation } from './import-options.js';

/** Below so many images nothing is said: chance does odd things. */
const LEAST_IMAGES = 20;
/** A class that is answered more often than that, and by so much more often than it is shown, is stuck. */
const STUCK = { share: 0.9, over: 0.25 };
/** Times chance that an accuracy which is near it may be. */
const NEAR_CHANCE = 1.5;

export interface Suspect {
  id: string;
  /** The most probable class of each image. */
  answers: number[];
}

/** Collects what models answered, and says what looks wrong. */
export class Suspicions {
  readonly #classes: number;
  readonly #models: Suspect[];
  readonly #labels: number[] = [];

  constructor(models: readonly string[], classes: number) {
    this.#classes = classes;
    this.#models = models.map((id) => ({ id, answers: [] }));
  }

  /** @param probabilities K of each model, in their order */
  add(label: number, probabilities: readonly Float32Array[]): void {
    this.#labels.push(label);
    this.#models.forEach(({ answers }, m) => answers.push(argmax(probabilities[m] ?? [])));
  }

  /** One line for each; none where nothing looks wrong. */
  warnings(): string[] {
    if (this.#labels.length < LEAST_IMAGES) return [];
    const stuck = this.#models.map((model) => this.#stuck(model));
    const near = this.#models.map((model, m) => (stuck[m] === null ? this.#nearChance(model) : null));
    const found = [...stuck, ...near].filter((line) => line !== null);
    return found.length > 0 ? found : this.#disagreeing();
  }

  #stuck({ id, answers }: Suspect): string | null {
    const [k, share] = commonest(answers, this.#classes);
    const shown = this.#labels.filter((label) => label === k).length / answers.length;
    if (share < STUCK.share || share < shown + STUCK.over) return null;
    return (
      `${id} answers class ${k} for ${percent(share)} of the images: it sees other pixels than it was trained with. ` +
      `Check --mean, --std and --scale (--scale 1 where they are of pixels 0-255), and --colour`
    );
  }

  #nearChance({ id, answers }: Suspect): string | null {
    const right = agreement(answers, this.#labels);
    const chance = Math.max(1 / this.#classes, byChance(answers, this.#labels, this.#classes));
    if (wilsonInterval(right, answers.length).low > NEAR_CHANCE * chance) return null;
    const said = `${id} is right for ${percent(right)} of the images, and chance would be for ${percent(chance)}`;
    const renamed = this.#renamed(answers);
    if (renamed > Math.max(0.5, 3 * chance))
      return (
        `${said}; if its classes were called otherwise it would be for ${percent(renamed)}: it has another class order than ` +
        `the labels, or the folders are taken for other classes. Check --labels, or pass --class-order ${id}=FILE`
      );
    return `${said}: it sees other pixels than it was trained with. Check --mean, --std, --scale, --colour and --fit`;
  }

  /** Share that would be right if each answer meant the class that it is most often given for; on held-out images. */
  #renamed(answers: readonly number[]): number {
    const meant = new Map<number, number[]>();
    const random = seededRandom(1);
    const half = answers.map(() => random() < 0.5);
    const learn = (i: number): boolean => half[i] === true;
    answers.forEach((answer, i) => {
      if (learn(i)) meant.set(answer, [...(meant.get(answer) ?? []), this.#labels[i] ?? 0]);
    });
    const held = answers.map((_, i) => i).filter((i) => !learn(i));
    const right = held.filter((i) => {
      const [k] = commonest(meant.get(answers[i] ?? 0) ?? [], this.#classes);
      return k === this.#labels[i];
    });
    return right.length / held.length;
  }

  /** Models that are each good cannot disagree; without good labels that is all that can be said. */
  #disagreeing(): string[] {
    const [first, ...others] = this.#models;
    if (!first) return [];
    return others.flatMap(({ id, answers }) => {
      const agree = agreement(first.answers, answers);
      const chance = byChance(first.answers, answers, this.#classes);
      if (wilsonInterval(agree, answers.length).low > chance) return [];
      return [
        `${first.id} and ${id} agree on ${percent(agree)} of the images, which chance alone would do (${percent(chance)}): ` +
          `one has another class order (--class-order), or sees other pixels than it was trained with`,
      ];
    });
  }
}

function agreement(a: readonly number[], b: readonly number[]): number {
  return a.filter((one, i) => one === b[i]).length / a.length;
}

/** Agreement of two that know nothing of each other, but answer each class as often: Σ p_k q_k. */
function byChance(a: readonly number[], b: readonly number[], classes: number): number {
  const [p, q] = [shares(a, classes), shares(b, classes)];
  return p.reduce((sum, share, k) => sum + share * (q[k] ?? 0), 0);
}

function shares(answers: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const k of answers) counts[k] = (counts[k] ?? 0) + 1 / answers.length;
  return counts;
}

/** The commonest answer and its share. */
function commonest(answers: readonly number[], classes: number): [number, number] {
  const counts = shares(answers, classes);
  const k = argmax(counts);
  return [k, counts[k] ?? 0];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Means and deviations that no training had with this scale; null where nothing is odd. */
export function oddNormalisation(id: string, { scale, mean, std }: Normalisation): string | null {
  const most = Math.max(...mean.map(Math.abs));
  if (scale === 255 && most > 3)
    return `--mean ${mean.join()} is of pixels 0-255, but pixels are divided by 255 first: pass --scale ${id}=1`;
  if (scale === 1 && Math.max(...std) < 1 && most <= 1 && most > 0)
    return `--mean ${mean.join()} and --std ${std.join()} are of pixels 0-1, but --scale is 1: pass --scale ${id}=255`;
  return null;
}
