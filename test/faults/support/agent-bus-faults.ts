/** `edgemux run` with a simulated bus that fails as `FAULTS` says: JSON of bus faults, times in ms from the start. */
import { AgentDaemon } from '../../../agent/daemon.js';
import { agentConfig } from '../../../agent/config.js';
import { systemClock } from '../../../common/clock.js';
import { createLog } from '../../../common/log.js';
import { stopSignal } from '../../../common/signals.js';
import type { BusFault } from '../../../drivers/simulation/simulated-bus.js';

const faults = JSON.parse(process.env['FAULTS'] ?? '[]') as BusFault[];
const startMs = systemClock.monotonicMs();
const file = process.argv[process.argv.indexOf('--config') + 1] ?? null;
const config = agentConfig(file, {});
const log = await createLog('edgemux', config.log);
const signal = stopSignal(log);
const shifted = faults.map((fault) => ({
  ...fault,
  fromMs: startMs + fault.fromMs,
  toMs: startMs + fault.toMs,
}));
const daemon = new AgentDaemon({ log, simulation: { faults: shifted } }, config);
await daemon.start();
await signal;
await daemon.stop();
