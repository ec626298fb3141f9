/** Which models a group policy asks for each image, and what class they say: what a server has to answer, image by image. */
import { SERVER_MODES, type ServerMode } from '../../../common/policy-names.js';
import { groupPolicyOf } from '../../../mux/rules/group-settings.js';
import { argmax } from '../../../mux/rules/probabilities.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';
import { choose } from './group-run.js';
import type { MeasuredGroup } from './measured-group.js';

/** Between the ids of models that were asked for the same image. */
const PLUS = '+';

/**
 * CSV: a line an image, in the order of the test set; `image`, `label`, then `<mode>_class` and `<mode>_models` (in the order
 * in which they ran) of every policy with the zoo's settings.
 */
export function groupChoicesCsv(zoo: Zoo, measured: MeasuredGroup): string {
  const policies = SERVER_MODES.map((mode) => groupPolicyOf(zoo, { mode }));
  const columns = policies.flatMap(({ mode }) => [`${mode}_class`, `${mode}_models`]);
  const lines = Array.from(measured.labels, (label, image) => {
    const cells = policies.flatMap((policy) => {
      const { models, probabilities } = choose(measured, policy, policy.mode !== 'largest', image);
      return [argmax(probabilities), models.join(PLUS)];
    });
    return [image, label, ...cells].join(',');
  });
  return `${[['image', 'label', ...columns].join(','), ...lines].join('\n')}\n`;
}

/** What a policy did with one image. */
export interface GroupChoice {
  classIndex: number;
  models: string[];
}

/** Reads what `groupChoicesCsv` has written: a policy's choices, image by image. */
export function parseGroupChoices(csv: string, mode: ServerMode): GroupChoice[] {
  const [header = [], ...rows] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const [classAt, modelsAt] = [header.indexOf(`${mode}_class`), header.indexOf(`${mode}_models`)];
  return rows.map((cells) => ({
    classIndex: Number(cells[classAt]),
    models: (cells[modelsAt] ?? '').split(PLUS),
  }));
}
