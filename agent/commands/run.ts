import { messageOf } from '../../common/errors.js';
import { EXIT, reportFailure } from '../../common/exit.js';
import { leaveLog } from '../../common/log-output.js';
import { createLog } from '../../common/log.js';
import { ServiceManager } from '../../common/service-manager.js';
import { stopSignal } from '../../common/signals.js';
import { agentConfig } from '../config.js';
import { AgentDaemon } from '../daemon.js';

export interface RunOptions {
  configFile: string | null;
  /** Values from the command line by configuration key. */
  flags: Record<string, unknown>;
}

/** `edgemux run`: the daemon until SIGTERM or SIGINT; SIGHUP reads the configuration again. Returns the exit code. */
export async function run(options: RunOptions): Promise<number> {
  const config = agentConfig(options.configFile, options.flags);
  process.umask(0o077); // what a daemon writes is its owner's alone
  const log = await createLog('edgemux', config.log);
  const daemon = new AgentDaemon({ log, manager: ServiceManager.ofProcess(log) }, config);
  const signal = stopSignal(log, () => {
    try {
      daemon.reload(agentConfig(options.configFile, options.flags));
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the configuration was not read again: the old one stays');
    }
  });
  try {
    await daemon.start();
  } catch (error) {
    await daemon.stop();
    return reportFailure(error);
  }
  await signal;
  await daemon.stop();
  leaveLog();
  return EXIT.ok;
}
