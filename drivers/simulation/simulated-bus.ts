/** A bus of simulated chips, with the faults of real ones: NACKs, lost arbitration, a dead bus, a bus that hangs. */
import { EdgemuxError } from '../../common/errors.js';
import type { RegisterBus } from '../i2c/register-bus.js';

/** A chip of a simulation: 16-bit registers, and the time at which they are asked for. */
export interface SimulatedChip {
  read(register: number, nowMs: number): number;
  write(register: number, value: number, nowMs: number): void;
}

/** A fault between two times; `share` of the transfers are hit (all of them by default). */
export interface BusFault {
  kind: 'nack' | 'arbitration' | 'hang';
  fromMs: number;
  toMs: number;
  share?: number;
  /** How long a hanging transfer blocks before it times out; i2c-tegra: 1000. */
  hangMs?: number;
}

export interface SimulatedBusDeps {
  clock: { monotonicMs(): number };
  chips: ReadonlyMap<number, SimulatedChip>;
  faults?: readonly BusFault[];
  /** 0 to 1; decides which transfers a fault hits. */
  random?: () => number;
  /** Blocks the thread, as a hanging transfer does. */
  block?: (ms: number) => void;
}

export class SimulatedBus implements RegisterBus {
  readonly name = 'simulated bus';
  readonly simulated = true;
  generation = 0;
  readonly #deps: SimulatedBusDeps;

  constructor(deps: SimulatedBusDeps) {
    this.#deps = deps;
  }

  read(address: number, register: number): number {
    return this.#chip(address).read(register, this.#deps.clock.monotonicMs());
  }

  write(address: number, register: number, value: number): void {
    this.#chip(address).write(register, value, this.#deps.clock.monotonicMs());
  }

  reopen(): void {
    this.generation += 1;
  }

  close(): void {
    // Nothing is held.
  }

  #chip(address: number): SimulatedChip {
    const where = `${this.name} 0x${address.toString(16)}`;
    const nowMs = this.#deps.clock.monotonicMs();
    for (const fault of this.#deps.faults ?? []) {
      if (nowMs < fault.fromMs || nowMs >= fault.toMs) continue;
      if (fault.share !== undefined && (this.#deps.random?.() ?? 0) >= fault.share) continue;
      if (fault.kind === 'arbitration') {
        throw new EdgemuxError('BUS_ARBITRATION_LOST', `${where}: another master won the bus`);
      }
      if (fault.kind === 'nack') throw new EdgemuxError('CHIP_NOT_ANSWERING', `${where}: no acknowledge`);
      this.#deps.block?.(fault.hangMs ?? 1000);
      throw new EdgemuxError('BUS_STUCK', `${where}: the transfer timed out`);
    }
    const chip = this.#deps.chips.get(address);
    if (chip) return chip;
    throw new EdgemuxError('CHIP_NOT_ANSWERING', `${where}: no acknowledge`);
  }
}
