import { createHash } from 'node:crypto';
import { argmax, topK } from '../../mux/rules/probabilities.js';
import type { Reason, Result, Route } from '../../protocol/messages.js';
import type { FrameEnergy } from '../../energy/meter.js';
import type { Frame, StageLatenciesMs } from './frame.js';

/** How many classes a result lists. */
const TOP_CLASSES = 3;

/** What the pipeline found out about a frame: everything a result says besides the frame itself. */
export interface Settled {
  route: Route;
  reason: Reason;
  probabilities: ArrayLike<number>;
  muxScore: number | null;
  threshold: number | null;
  /** Ids of the models that ran for the answer, in order. */
  models: string[];
  latencyMs: StageLatenciesMs;
  bytesUp: number;
  bytesDown: number;
  server: string | null;
}

export interface ResultContext {
  device: string;
  zoo: { name: string; labels: readonly string[] };
  /** What really runs; it changes when a restarted worker finds another provider. */
  ready: { provider: string };
  /** Whether the wall clock can be right. */
  clockTrusted: () => boolean;
}

/** SHA-256 of the image as the camera sent it (after base64 is undone), in hex. */
export function imageSha256(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

/** The result message of the contract. */
export function buildResult(
  context: ResultContext,
  frame: Frame,
  settled: Settled,
  energy: FrameEnergy | null,
): Result {
  const { labels } = context.zoo;
  const classIndex = argmax(settled.probabilities);
  const label = (index: number): string => labels[index] ?? `class-${index}`;
  return {
    device: context.device,
    camera: frame.camera,
    ...(frame.region ? { region: frame.region.name } : {}),
    frameId: frame.frameId,
    capturedAt: new Date(frame.capturedAtMs).toISOString(),
    ...(context.clockTrusted() ? {} : { clockTrusted: false as const }),
    zoo: context.zoo.name,
    imageSha256: frame.sha256 ?? imageSha256(frame.payload),
    route: settled.route,
    reason: settled.reason,
    label: label(classIndex),
    classIndex,
    confidence: settled.probabilities[classIndex] ?? 0,
    top: topK(settled.probabilities, TOP_CLASSES).map((entry) => ({
      label: label(entry.classIndex),
      ...entry,
    })),
    muxScore: settled.muxScore,
    threshold: settled.threshold,
    models: settled.models,
    provider: context.ready.provider,
    latencyMs: rounded(settled.latencyMs),
    energyJ: energy && energyMessage(energy),
    bytesUp: settled.bytesUp,
    bytesDown: settled.bytesDown,
    ...(settled.server === null ? {} : { server: settled.server }),
    ...(frame.damaged ? { damaged: true as const } : {}),
  };
}

function energyMessage(energy: FrameEnergy): NonNullable<Result['energyJ']> {
  const { grossJ: gross, netJ: net, simulated, bridged, stagesJ, railsJ } = energy;
  return {
    gross,
    net,
    simulated,
    ...(bridged ? { bridged } : {}),
    ...(stagesJ ? { stages: stagesJ as Record<string, number> } : {}),
    ...(railsJ ? { rails: railsJ } : {}),
  };
}

/** Microsecond digits are enough for people and keep messages small. */
function rounded(latencies: StageLatenciesMs): StageLatenciesMs {
  const entries = Object.entries(latencies).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000]);
  return Object.fromEntries(entries) as unknown as StageLatenciesMs;
}
