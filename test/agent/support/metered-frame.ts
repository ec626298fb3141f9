import type { Frame } from '../../../agent/frames/frame.js';

/** A frame that was admitted at 1000 ms, and what its meter was told. */
export function meteredFrame(
  payload: Uint8Array,
  id = 'f1',
): { frame: Frame; meter: string[]; moved: object[] } {
  const meter: string[] = [];
  const moved: object[] = [];
  return {
    meter,
    moved,
    frame: {
      frameId: id,
      camera: 'door',
      region: null,
      payload,
      sha256: null,
      imageType: 'png',
      decodeMs: 0.3,
      costly: false,
      damaged: false,
      capturedAtMs: 5,
      ageMs: 0,
      unreadMs: 0,
      lineMs: 0,
      admittedMs: 1000,
      startedMs: 1000,
      meter: {
        enter: (stage) => void meter.push(`+${stage}`),
        leave: (stage) => void meter.push(`-${stage}`),
        span: ({ stage }) => void meter.push(stage),
        transfer: (bytes) => void moved.push(bytes),
        finish: async () => null,
      },
    },
  };
}
