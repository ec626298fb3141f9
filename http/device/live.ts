import type { DeviceState, PowerMessage } from '../../protocol/messages.js';
import type { CameraView } from './cameras.js';
import type { DeviceSubject } from './subject.js';

/** What an open page is told again and again. */
export interface Live {
  atMs: number;
  state: DeviceState;
  power: PowerMessage | null;
  cameras: CameraView[];
  connected: boolean;
}

export function live({ connected, observer, power, state }: DeviceSubject): Live {
  const atMs = observer.nowMs();
  return { atMs, state: state(), power: power(), cameras: observer.cameras(), connected: connected() };
}
