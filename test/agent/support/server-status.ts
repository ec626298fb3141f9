import { PROTOCOL, type LiveServerStatus } from '../../../protocol/messages.js';
import type { Message } from '../../../protocol/connection/connection.js';
import { delivered } from './fake-connection.js';

/** What a server of `zoo` says of itself, retained, with whatever `change` says otherwise. */
export function serverStatus(
  zoo: { name: string; hash: string },
  change: Partial<LiveServerStatus> = {},
): Message {
  const status: LiveServerStatus = {
    state: 'online',
    protocol: PROTOCOL,
    server: 's1',
    zoo: zoo.name,
    zooHash: zoo.hash,
    models: ['resnet12'],
    policy: { mode: 'largest', mu: 0, T: 0, combine: false },
    queue: { length: 0, limit: 64, bytes: 0 },
    provider: 'cpu',
    counters: {},
    latencyMs: null,
    startedAt: '2026-11-28T00:00:00.000Z',
    version: '0.1.0',
    ...change,
  };
  return delivered('edgemux/cloud/s1/status', status, true);
}
