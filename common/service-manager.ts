import { fstatSync, writeSync } from 'node:fs';
import { messageOf } from './errors.js';
import type { Log } from './log.js';

/** The variables of sd_notify(3) that edgemux sends. */
export interface Notice {
  READY?: '1';
  STOPPING?: '1';
  WATCHDOG?: '1';
  STATUS?: string;
}

/** What systemd shows of a status on one line. */
const STATUS_LENGTH = 256;

/**
 * The service manager that started the program (systemd, `Type=notify`), or nobody.
 *
 * Node.js has no AF_UNIX datagram sockets, so `systemd/with-notify` opens one before it becomes the program and hands
 * it over as NOTIFY_FD; a notice is one `write()` on it.
 */
export class ServiceManager {
  readonly #log: Log;
  readonly #fd: number | null;
  /** A sign of life is due this often at least, in ms; null where nobody waits for one. */
  readonly watchdogMs: number | null;
  #trouble = false;

  constructor(log: Log, env: Readonly<Record<string, string | undefined>> = {}) {
    this.#log = log;
    this.#fd = descriptorOf(env['NOTIFY_FD']);
    this.watchdogMs = this.#fd === null ? null : watchdogMs(env);
    if (this.#fd === null && env['NOTIFY_SOCKET']) {
      log.error(
        'systemd waits for a word from this service and cannot be reached: put systemd/with-notify before the program in ExecStart, or use Type=simple without WatchdogSec',
      );
    }
  }

  /** The one that started this process; its address is taken out of the environment, so that no child mistakes it. */
  static ofProcess(log: Log): ServiceManager {
    const manager = new ServiceManager(log, process.env);
    delete process.env['NOTIFY_FD'];
    return manager;
  }

  /** Sends one notice. Never throws: a service manager that does not listen costs a warning. */
  notify(notice: Notice): void {
    if (this.#fd === null) return;
    const lines = Object.entries(notice).map(([name, value]) => `${name}=${oneLine(String(value))}`);
    try {
      writeSync(this.#fd, lines.join('\n'));
      this.#trouble = false;
    } catch (error) {
      if (!this.#trouble) this.#log.warn({ error: messageOf(error) }, 'systemd did not take a notice');
      this.#trouble = true;
    }
  }
}

function descriptorOf(text: string | undefined): number | null {
  const fd = Number(text ?? '');
  try {
    return Number.isInteger(fd) && fd > 2 && fstatSync(fd).isSocket() ? fd : null;
  } catch {
    return null;
  }
}

/** WATCHDOG_USEC in ms, where it is meant for this process (sd_watchdog_enabled(3)). */
function watchdogMs(env: Readonly<Record<string, string | undefined>>): number | null {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  if (pid !== undefined && pid !== String(process.pid)) return null;
  const ms = Number(usec ?? '') / 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, STATUS_LENGTH);
}
