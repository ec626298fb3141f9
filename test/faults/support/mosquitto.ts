/** A real mosquitto of its own that can be killed, frozen and restarted, with its memory on disk or without. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { Child, freePort } from '../../../scripts/bench/child.js';
import { connect } from '../../../scripts/bench/broker.js';
import { findProgram } from '../../support/broker.js';

export class Mosquitto {
  readonly port: number;
  readonly #folder: string;
  readonly #persistence: boolean;
  #child: Child | null = null;
  #starts = 0;

  private constructor(folder: string, port: number, persistence: boolean) {
    this.#folder = folder;
    this.port = port;
    this.#persistence = persistence;
  }

  /** Not yet started. */
  static async at(folder: string, { persistence = false } = {}): Promise<Mosquitto> {
    return new Mosquitto(folder, await freePort(), persistence);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** @throws EdgemuxError PROGRAM_ENDED, BROKER_UNREACHABLE */
  async start(): Promise<void> {
    this.#starts += 1;
    const file = join(this.#folder, 'mosquitto.conf');
    writeFileSync(file, this.#configuration());
    const program = findProgram('mosquitto') ?? 'mosquitto';
    const log = join(this.#folder, `mosquitto-${this.#starts}.log`);
    this.#child = new Child('mosquitto', [program, '-c', file], log);
    const probe = await this.#child.until(connect(this.url, `faults-probe-${process.pid}`));
    await probe.stop();
  }

  /** SIGKILL: what it had in memory only is gone. */
  async kill(): Promise<void> {
    await this.#child?.kill();
    this.#child = null;
  }

  /** SIGSTOP: its connections stay open and nobody answers. */
  freeze(): void {
    this.#child?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#child?.signal('SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#child?.stop();
    this.#child = null;
  }

  #configuration(): string {
    const data = join(this.#folder, 'mosquitto-data/');
    mkdirSync(data, { recursive: true });
    const memory = this.#persistence
      ? [
          'persistence true',
          `persistence_location ${data}`,
          'autosave_on_changes true',
          'autosave_interval 1',
        ]
      : ['persistence false'];
    return [
      ...[`user ${userInfo().username}`, 'set_tcp_nodelay true', `listener ${this.port} 127.0.0.1`],
      ...['allow_anonymous true', 'log_dest stderr', 'log_type error', ...memory],
      // whoever watches is sent all at once: what the broker has acknowledged is then not lost with the broker
      ...['max_inflight_messages 0', 'max_queued_messages 100000', ''],
    ].join('\n');
  }
}
