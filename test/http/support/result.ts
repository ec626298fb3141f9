import type { Result } from '../../../protocol/messages.js';

/** A result as the device makes them, but for what is given. */
export function result(given: Partial<Result> = {}): Result {
  return {
    device: 'd1',
    camera: 'door',
    frameId: '01J00000000000000000000000',
    capturedAt: '2026-01-01T00:00:00.000Z',
    zoo: 'fashion-mnist',
    imageSha256: '0'.repeat(64),
    route: 'local',
    reason: 'easy',
    label: 'Bag',
    classIndex: 8,
    confidence: 0.9,
    top: [],
    muxScore: 0.2,
    threshold: 0.5,
    models: ['mobile'],
    provider: 'cpu',
    latencyMs: { total: 10, queue: 1, decode: 2, mux: 3, local: 4, encode: 0, network: 0, cloud: 0 },
    energyJ: null,
    bytesUp: 0,
    bytesDown: 0,
    ...given,
  };
}
