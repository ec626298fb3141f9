import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../common/clock.js';
import { EdgemuxError } from '../../../common/errors.js';
import type { ServerMode } from '../../../common/policy-names.js';
import type { Connection } from '../../../protocol/connection/connection.js';
import {
  parseServerPolicyReport,
  parseServerStatus,
  type LiveServerStatus,
} from '../../../protocol/messages.js';
import { serverTopics } from '../../../protocol/topics/topics.js';

const POLICY_MS = 30_000;

export interface ServerWatch {
  /** Last status; null until it shows itself. */
  status: () => LiveServerStatus | null;
  /** Resolves when the policy is in force. @throws EdgemuxError PROGRAM_ENDED where the server does not take it */
  setMode: (mode: ServerMode) => Promise<void>;
}

/** Follows a server's status and its policy. */
export async function watchServer(connection: Connection, base: string, name: string): Promise<ServerWatch> {
  const topics = serverTopics(base, name);
  let status: LiveServerStatus | null = null;
  let mode: ServerMode | null = null;
  await connection.subscribe(topics.status, { qos: 1 }, (message) => {
    const heard = parseServerStatus(message.payload);
    status = heard.state === 'offline' ? null : heard;
  });
  await connection.subscribe(topics.policy, { qos: 1 }, (message) => {
    const report = parseServerPolicyReport(message.payload);
    if (!('error' in report)) mode = report.mode;
  });
  return {
    status: (): LiveServerStatus | null => status,
    setMode: async (wanted: ServerMode): Promise<void> => {
      await connection.publish(topics.policySet, JSON.stringify({ mode: wanted }), { qos: 1 });
      const endMs = systemClock.monotonicMs() + POLICY_MS;
      while (mode !== wanted) {
        if (systemClock.monotonicMs() > endMs) {
          throw new EdgemuxError('PROGRAM_ENDED', `server ${name} did not take the policy ${wanted}`);
        }
        await sleep(20);
      }
    },
  };
}
