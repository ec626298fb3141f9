/** Every fault case there is, in the order of the table. */
import type { FaultCase } from '../support/play.js';
import { BROKER_CASES } from './broker.js';
import { COST_CASES } from './cost.js';
import { DISK_CASES } from './disk.js';
import { INPUT_CASES } from './input.js';
import { JOURNAL_FILE_CASES } from './journal-files.js';
import { LINK_CASES } from './link.js';
import { PROCESS_CASES } from './process.js';
import { SENSOR_CASES } from './sensors.js';
import { SERVER_CASES } from './server.js';
import { TIME_CASES } from './time.js';
import { TRUST_CASES } from './trust.js';

export const GROUPS: readonly { title: string; cases: readonly FaultCase[] }[] = [
  { title: 'Broker', cases: BROKER_CASES },
  { title: 'Server', cases: SERVER_CASES },
  { title: 'Trust', cases: TRUST_CASES },
  { title: 'Line', cases: LINK_CASES },
  { title: 'Input', cases: INPUT_CASES },
  { title: 'Costly pictures', cases: COST_CASES },
  { title: 'Late pictures', cases: TIME_CASES },
  { title: 'Sensors', cases: SENSOR_CASES },
  { title: 'Disk', cases: [...DISK_CASES, ...JOURNAL_FILE_CASES] },
  { title: 'Process, clock, files', cases: PROCESS_CASES },
];

export const ALL_CASES: readonly FaultCase[] = GROUPS.flatMap(({ cases }) => cases);
