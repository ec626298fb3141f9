/** What the trainer calibrated for the pair, read from the free part of a manifest. */
import { z } from 'zod';
import { type RankedMode, RANKED_MODES } from '../../../mux/rules/policies/registry.js';
import type { DeviceMode } from '../../../common/policy-names.js';
import type { Thresholds } from '../../../common/policy-names.js';
import { thresholdsSchema } from '../../../mux/rules/policy-settings.js';
import type { Zoo } from '../../../mux/zoo/zoo.js';

const targetSchema = z.looseObject({
  mode: z.enum(RANKED_MODES),
  thresholds: thresholdsSchema,
  gap: z.number().optional(),
  upload: z.number().optional(),
  offload: z.number().optional(),
});
type Target = z.infer<typeof targetSchema>;

export interface Calibrated {
  /** What the zoo ships as its policy. */
  shipped: DeviceMode;
  /** Thresholds of a mode for the zoo's own target. */
  modes: Partial<Record<DeviceMode, Thresholds>>;
  /** Thresholds, ending as the zoo's own do (confidence or gate), for a share of the local→cloud gap at an upload cost in local runs; null: not calibrated. */
  forGap(mode: RankedMode, gap: number, upload: number): Thresholds | null;
  /** Exponents of fused probabilities; {} where none were calibrated. */
  fusing: Thresholds;
}

export function calibratedOf({ manifest }: Pick<Zoo, 'manifest'>): Calibrated {
  const { mode: shipped, thresholds, calibration } = manifest.policy;
  const rows: readonly unknown[] = Array.isArray(calibration?.['targets']) ? calibration['targets'] : [];
  const targets = rows
    .map((row) => targetSchema.safeParse(row).data)
    .filter((row): row is Target => row !== undefined);
  const modes: Partial<Record<DeviceMode, Thresholds>> = { [shipped]: thresholds };
  for (const [mode, found] of Object.entries(calibration?.modes ?? {})) {
    modes[mode as DeviceMode] = found.thresholds;
  }
  const { fuseLocal, fuseMux } = modes['three-tier'] ?? {};
  return {
    shipped,
    modes,
    forGap: (mode, gap, upload) => {
      const rows = targets.filter((row) => row.mode === mode && row.gap === gap && row.upload === upload);
      const gated = modes[mode]?.gain !== undefined;
      const alike = rows.find(({ thresholds }) => (thresholds.gain !== undefined) === gated);
      return (alike ?? rows[0])?.thresholds ?? null;
    },
    fusing: fuseLocal === undefined || fuseMux === undefined ? {} : { fuseLocal, fuseMux },
  };
}
