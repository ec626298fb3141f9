/** Calibration rows from a file of `edgemux label`: the models' words alone, so the mode is `cascade`. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import type { CalibrationRow } from './curve.js';
import { plainScale } from './scale.js';

const headerSchema = z.object({
  format: z.literal('edgemux-labels'),
  models: z.array(z.object({ id: z.string(), flops: z.number(), roles: z.array(z.string()) })).min(2),
});

const rowSchema = z.object({
  correct: z.record(z.string(), z.boolean()),
  probabilities: z.record(z.string(), z.union([z.array(z.number()), z.record(z.string(), z.number())])),
});

/** @throws EdgemuxError CONFIG_INVALID for a file that is none of edgemux label, or has no local and cloud model */
export async function labelRows(file: string): Promise<CalibrationRow[]> {
  const rows: CalibrationRow[] = [];
  let ids: { local: string; cloud: string } | null = null;
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number += 1;
      const value: unknown = JSON.parse(line);
      if (ids === null) ids = modelIds(headerSchema.parse(value));
      else rows.push(rowOf(rowSchema.parse(value), ids));
    }
  } catch (cause) {
    if (cause instanceof EdgemuxError) throw cause;
    const what = `--labels: line ${number} of ${file} is none of edgemux label: ${messageOf(cause)}`;
    throw new EdgemuxError('CONFIG_INVALID', what, { cause });
  }
  if (rows.length > 0) return rows;
  throw new EdgemuxError('CONFIG_INVALID', `--labels: ${file} holds no labelled image`);
}

function modelIds({ models }: z.infer<typeof headerSchema>): { local: string; cloud: string } {
  const local = models.find(({ roles }) => roles.includes('local'));
  const others = models.filter((model) => model !== local).sort((a, b) => b.flops - a.flops);
  const cloud = others.find(({ roles }) => roles.includes('cloud')) ?? others[0];
  if (local && cloud) return { local: local.id, cloud: cloud.id };
  throw new EdgemuxError(
    'CONFIG_INVALID',
    '--labels: the file has no model with the role local, or no other',
  );
}

function rowOf(
  { correct, probabilities }: z.infer<typeof rowSchema>,
  { local, cloud }: { local: string; cloud: string },
): CalibrationRow {
  const said = probabilities[local];
  const { keepScoreOf } = plainScale('cascade');
  const keepScore = keepScoreOf(
    said === undefined ? 0 : Math.max(...(Array.isArray(said) ? said : Object.values(said))),
  );
  return { keepScore, keepRight: correct[local] ?? false, sendRight: correct[cloud] ?? false };
}
