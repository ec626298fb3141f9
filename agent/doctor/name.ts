/** Whether the device's name is its own on this broker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pass, warn, type Verdict } from '../../common/doctor/checks.js';
import { lockHolder, type LockHolder } from '../../journal/lock.js';
import type { ConnectedChecks } from '../../protocol/doctor.js';
import { DEVICE_ONLINE, parseDeviceState } from '../../protocol/messages.js';
import { deviceTopics } from '../../protocol/topics/topics.js';
import type { AgentConfig } from '../config.js';
import { twinWarningIn } from '../twins.js';

/** Retained messages come at once; this is for slow lines. */
const LISTEN_MS = 1000;
const REMEDY = 'give each daemon a `device` of its own: two of one name throw each other off the broker';

interface Heard {
  online: boolean;
  twins: string | null;
}

export function nameChecks(
  config: Pick<AgentConfig, 'broker' | 'dataDir' | 'device' | 'journal'>,
): ConnectedChecks {
  const { broker, dataDir, device, journal } = config;
  const topics = deviceTopics(broker.baseTopic, device);
  return {
    checks: { name: 'device name' },
    run: async (connection, report) => {
      const heard: Heard = { online: false, twins: null };
      await connection.subscribe(topics.status, { qos: 1 }, ({ payload }) => {
        heard.online = Buffer.from(payload).toString() === DEVICE_ONLINE;
      });
      const listening = connection.subscribe(topics.state, { qos: 1 }, ({ payload }) => {
        heard.twins = twinWarningIn(parseDeviceState(payload).health.warnings);
      });
      await listening.catch(() => undefined); // not every account may read states
      await sleep(LISTEN_MS);
      report('name', verdict(device, heard, journal.mode === 'disk' ? lockHolder(dataDir) : 'unknown'));
    },
  };
}

function verdict(device: string, { online, twins }: Heard, holder: LockHolder): Verdict {
  if (twins !== null) return warn(`the device says: ${twins}`, REMEDY);
  if (!online) return offlineVerdict(device, holder);
  if (holder === 'unknown') return pass(`${device} is online; whether it is the one of here is unknown`);
  if (holder !== null) return pass(`${device} is online: process ${holder.pid ?? '?'} of this machine`);
  return warn(`a ${device} is online, and no daemon here uses this dataDir`, REMEDY);
}

/** A daemon that runs here and is not online by this name is another device's, or one that its broker does not hear. */
function offlineVerdict(device: string, holder: LockHolder): Verdict {
  if (holder === null || holder === 'unknown') return pass(`no other ${device} is online`);
  return warn(
    `process ${holder.pid ?? '?'} uses this dataDir, and no ${device} is online: it is the daemon of another device, or one without its broker`,
    'give each daemon a `dataDir` of its own: a second one does not start; else look at the log of that one',
  );
}
