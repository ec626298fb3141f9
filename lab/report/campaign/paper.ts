/** What the paper reports (ImageNet, Jetson TX2, GTX 1080 Ti), as printed: its Tables I and II. */
import type { SetupName } from '../../measure/store/facts.js';

export interface PaperSetup {
  flops: number;
  latencyMs: number;
  /** The paper gives energy for the pair only. */
  energyMJ: number | null;
  localShare: number | null;
  accuracy: number;
  what: string;
}

export const PAPER_SETUPS: Record<SetupName, PaperSetup> = {
  'mobile-only': {
    flops: 299e6,
    latencyMs: 3.53,
    energyMJ: 12,
    localShare: 1,
    accuracy: 0.7188,
    what: 'mobilenet_v2',
  },
  'cloud-only': {
    flops: 16.4e9,
    latencyMs: 13.1,
    energyMJ: 110,
    localShare: 0,
    accuracy: 0.7939,
    what: 'resnext101_32x8d',
  },
  hybrid: {
    flops: 5.75e9,
    latencyMs: 10.12,
    energyMJ: 55.36,
    localShare: 0.68,
    accuracy: 0.804,
    what: 'both and the mux',
  },
  'group-single': {
    flops: 5.75e9,
    latencyMs: 7.73,
    energyMJ: null,
    localShare: null,
    accuracy: 0.8386,
    what: 'hybrid-single',
  },
  'group-ensemble': {
    flops: 7.12e9,
    latencyMs: 8.15,
    energyMJ: null,
    localShare: null,
    accuracy: 0.8554,
    what: 'hybrid-ensemble',
  },
};

export interface PaperModel {
  id: string;
  flops: number;
  latencyMs: number;
  accuracy: number;
  called: number;
}

/** The single models of Table II; `called` by hybrid-single. */
export const PAPER_MODELS: readonly PaperModel[] = [
  { id: 'alexnet', flops: 655e6, latencyMs: 6.8, accuracy: 0.5655, called: 0.1056 },
  { id: 'mobilenet_v2', flops: 299e6, latencyMs: 3.0, accuracy: 0.7188, called: 0.188 },
  { id: 'mnasnet1_0', flops: 313e6, latencyMs: 5.5, accuracy: 0.7345, called: 0.218 },
  { id: 'resnet50', flops: 4.08e9, latencyMs: 8.9, accuracy: 0.7615, called: 0.148 },
  { id: 'resnet152', flops: 11.5e9, latencyMs: 11.3, accuracy: 0.7831, called: 0.158 },
  { id: 'resnext101_32x8d', flops: 16.4e9, latencyMs: 11.8, accuracy: 0.7931, called: 0.1824 },
];
