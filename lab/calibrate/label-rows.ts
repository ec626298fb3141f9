/** Calibration rows from a file of `edgemux label`: the models' words alone, so the mode is `cascade`. */
import { EdgemuxError } from '../../common/errors.js';
import { maximum } from '../../mux/rules/probabilities.js';
import { readLabels } from '../zoo/labels/read.js';
import type { LabelsHeader } from '../zoo/labels/header.js';
import type { CalibrationRow } from './curve.js';
import { plainScale } from './scale.js';

/** @throws EdgemuxError CONFIG_INVALID for a file that is none of edgemux label, or has no local and cloud model */
export async function labelRows(file: string): Promise<CalibrationRow[]> {
  const reader = await readLabels(file);
  const { local, cloud } = pairIn(reader.header);
  const { keepScoreOf } = plainScale('cascade');
  const rows: CalibrationRow[] = [];
  for await (const { outputs, right } of reader.rows()) {
    rows.push({
      keepScore: keepScoreOf(maximum(outputs.probabilities[local] ?? [])),
      keepRight: right[local] === true,
      sendRight: right[cloud] === true,
    });
  }
  if (rows.length > 0) return rows;
  throw new EdgemuxError('CONFIG_INVALID', `--labels: ${file} holds no labelled image`);
}

/** Places of the local model and of the dearest cloud model in the header's list. */
function pairIn({ models }: LabelsHeader): { local: number; cloud: number } {
  const local = models.findIndex(({ roles }) => roles.includes('local'));
  const others = models.filter((_, m) => m !== local).sort((a, b) => b.flops - a.flops);
  const cloud = others.find(({ roles }) => roles.includes('cloud')) ?? others[0];
  if (local >= 0 && cloud) return { local, cloud: models.indexOf(cloud) };
  throw new EdgemuxError(
    'CONFIG_INVALID',
    '--labels: the file has no model with the role local, or no other',
  );
}
