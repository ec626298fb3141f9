import type { DevicePolicyMessage, DeviceState, PowerMessage } from '../../protocol/messages.js';
import type { Observer } from './observer.js';

/** What the device shows of itself over HTTP, and the one thing that can be changed. */
export interface DeviceSubject {
  state: () => DeviceState;
  /** Null where there is no rail. */
  power: () => PowerMessage | null;
  /** Whether the broker is connected. */
  connected: () => boolean;
  /** `problem`: why it does not do what it should; null where it does. */
  journal: () => { mode: string; problem: string | null };
  /** Names under which frames are refused and dropped, all of them. */
  causes: { refused: readonly string[]; drops: readonly string[] };
  /** Takes a patch as `policy/set` does, whole or not at all. @throws EdgemuxError MESSAGE_INVALID */
  patchPolicy: (payload: Uint8Array) => DevicePolicyMessage;
  observer: Observer;
}
