import { EXIT, reportFailure } from '../common/exit.js';
import { leaveLog } from '../common/log-output.js';
import { createLog } from '../common/log.js';
import { ServiceManager } from '../common/service-manager.js';
import { stopSignal } from '../common/signals.js';
import { cloudConfig } from './config.js';
import { CloudServer } from './server.js';

/** `edgemux-cloud run`: the server until SIGTERM or SIGINT. Returns the exit code. */
export async function run(configFile: string | null, flags: Record<string, unknown>): Promise<number> {
  const config = cloudConfig(configFile, flags);
  process.umask(0o077); // what a daemon writes is its owner's alone
  const log = await createLog('edgemux-cloud', config.log);
  const server = new CloudServer({ log, manager: ServiceManager.ofProcess(log) }, config);
  const signal = stopSignal(log, () => void server.reload());
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    return reportFailure(error);
  }
  await signal;
  await server.stop();
  leaveLog();
  return EXIT.ok;
}
