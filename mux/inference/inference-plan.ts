/** From what a program asks of its inference to what the worker has to load. */
import { EdgemuxError } from '../../common/errors.js';
import type { Provider } from '../config.js';
import { GROUP_MUX_ID, MUX_ID, type InferencePlan, type SessionSpec } from './inference-types.js';
import type { RestartPauses } from './restart-backoff.js';
import type { Zoo } from '../zoo/zoo.js';

export interface InferenceOptions {
  zoo: Zoo;
  /** Ids of the models to load; `decide` runs the zoo's local model where it is among them. */
  models: readonly string[];
  mux: 'pair' | null;
  /** true: the group's mux too, for jobs of the kind `group-mux`. */
  groupMux?: boolean;
  /** Tried in order. */
  providers: readonly Provider[];
  /** true: only the first of `providers` will do. */
  requireProvider: boolean;
  /** Which GPU. */
  deviceId?: number;
  /** Threads inside one CPU run; 0 = ONNX Runtime's own choice. */
  threads: number;
  warmupRuns?: number;
  warmupBatches?: readonly number[];
  /** Activity board to count `mux` and `local` runs on. */
  board?: SharedArrayBuffer | null;
  /** How long `stop()` lets the worker finish what is queued, in ms. */
  drainMs?: number;
  /** A worker whose run has not come back after so long is replaced; for ever where it is absent. */
  runTimeoutS?: number;
  /** Pauses before a dead worker is started again. */
  restart?: RestartPauses;
}

const DEFAULT_WARMUP_RUNS = 5;

/** What a worker has to load. @throws EdgemuxError ZOO_INVALID for unknown models or a missing mux */
export function inferencePlan(options: InferenceOptions): InferencePlan {
  const { zoo, models, mux } = options;
  const { classes } = zoo;
  const specs = models.map((id): SessionSpec => ({
    id,
    kind: 'model',
    path: zoo.path(zoo.modelById(id).file),
    needs: zoo.modelById(id).needs,
    input: zoo.inputOf(id),
    classes,
    macs: zoo.modelById(id).flops,
  }));
  if (mux === 'pair') {
    if (!zoo.muxPair) throw new EdgemuxError('ZOO_INVALID', `zoo '${zoo.name}' has no mux for the pair`);
    const { file, flops: macs } = zoo.muxPair;
    const input = zoo.inputOf(MUX_ID);
    specs.unshift({ id: MUX_ID, kind: 'mux', path: zoo.path(file), input, classes, macs });
  }
  if (options.groupMux === true) specs.unshift(groupMuxSpec(zoo));
  return {
    specs,
    local: zoo.local && models.includes(zoo.local.id) ? zoo.local.id : null,
    providers: options.providers,
    requireProvider: options.requireProvider,
    deviceId: options.deviceId ?? 0,
    threads: options.threads,
    warmupRuns: options.warmupRuns ?? DEFAULT_WARMUP_RUNS,
    warmupBatches: options.warmupBatches ?? [1],
    board: options.board ?? null,
  };
}

function groupMuxSpec(zoo: Zoo): SessionSpec {
  const group = zoo.manifest.mux?.group;
  if (!group) throw new EdgemuxError('ZOO_INVALID', `zoo '${zoo.name}' has no mux for a group`);
  return {
    id: GROUP_MUX_ID,
    kind: 'group-mux',
    path: zoo.path(group.file),
    input: zoo.inputOf(GROUP_MUX_ID),
    classes: zoo.classes,
    models: group.models.length,
  };
}
