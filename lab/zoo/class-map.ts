/** Which of a model's scores belongs to which class of the zoo. */
import { EdgemuxError } from '../../common/errors.js';
import { nearestName } from '../../common/config/nearest.js';
import type { ClassNames } from './class-names.js';
import type { ModelOption } from './import-options.js';
import { unusable, type Port } from './onnx/onnx-check.js';
import type { Scores } from './onnx/onnx-scores.js';

/** Two names are the same where only case, spaces and punctuation differ. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '_');
}

/**
 * @param output with the number of scores, or null where the file does not say
 * @param order the model's own classes, where they were named
 * @throws EdgemuxError MODEL_UNUSABLE, CONFIG_INVALID where scores and classes are not equally many, or named otherwise
 */
export function scoresOf(
  { id, file, classes: range }: Pick<ModelOption, 'id' | 'file' | 'classes'>,
  output: Port & { length: number | null },
  zoo: ClassNames,
  order: ClassNames | null,
): Scores {
  const classes = zoo.labels.length;
  const from = range?.from ?? 0;
  const named = order?.labels.length ?? classes;
  const to = range?.to ?? output.length ?? from + named;
  const own = output.length ?? to;
  const base = { output: output.name, type: output.type, own, classes };
  if (own === 1 && classes === 2 && !order && !range) return { ...base, pick: null };
  if (to > own) throw unusable(file, `--classes ${id}=${from}:${to}, but it gives ${own} scores`);
  if (to - from !== named) throw unusable(file, miscounted(id, output, to - from, named, order !== null));
  const pick = order ? orderedAs(zoo, order, id).map((at) => at + from) : null;
  const asItIs = pick === null && from === 0 && to === own;
  return { ...base, pick: pick ?? (asItIs ? null : Array.from({ length: classes }, (_, k) => from + k)) };
}

function miscounted(id: string, output: Port, found: number, named: number, ordered: boolean): string {
  const file = ordered ? `the file of --class-order` : 'the labels file';
  const text = `output '${output.name}' has ${found} classes, ${file} has ${named}`;
  if (found === named + 1)
    return `${text}. One more than labels: where its first class is a "background", pass --classes ${id}=1:`;
  if (named === found + 1)
    return `${text}. One more than scores: is the first line a heading, or a "background"?`;
  return text;
}

/** For each class of the zoo its place in `order`. */
function orderedAs(zoo: ClassNames, order: ClassNames, id: string): number[] {
  if (zoo.ids && order.ids) return zoo.ids.map((one) => placeOf(one, order.ids ?? [], id));
  const plain = order.labels.map(plainName);
  return zoo.labels.map((label) => placeOf(plainName(label), plain, id, label));
}

function placeOf(name: string, among: readonly string[], id: string, shown = name): number {
  const place = among.indexOf(name);
  if (place >= 0 && place === among.lastIndexOf(name)) return place;
  const near = nearestName(name, among);
  const problem =
    place >= 0
      ? `has '${shown}' twice`
      : `does not have '${shown}'${near === null ? '' : `; the nearest is '${near}'`}`;
  throw new EdgemuxError('CONFIG_INVALID', `--class-order: the file of ${id} ${problem}`);
}
