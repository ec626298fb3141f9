import type { Group } from '../../../mux/rules/group.js';
import type { MeasuredGroupMux, MeasuredModel } from '../outputs/outputs.js';

/** What the models of a group and its mux said of N images. */
export interface MeasuredGroup {
  count: number;
  classes: number;
  labels: Uint16Array;
  group: Group;
  models: readonly MeasuredModel[];
  mux: MeasuredGroupMux;
}
