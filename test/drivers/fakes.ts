/** The lowest seam, faked: a register map behind the bus interface, and a clock that only tests move. */
import { EdgemuxError, type ErrorCode } from '../../common/errors.js';
import type { RegisterBus } from '../../drivers/i2c/register-bus.js';
import type { Rail } from '../../drivers/power-sensor.js';

export class TestClock {
  nowMs: number;
  constructor(nowMs = 1000) {
    this.nowMs = nowMs;
  }
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
}

export type Transfer = { kind: 'read' | 'write'; address: number; register: number; value: number };

/** Registers as plain memory: what is written can be read, nothing is computed. */
export class FakeBus implements RegisterBus {
  readonly name = 'fake bus';
  readonly simulated = false;
  generation = 0;
  readonly chips = new Map<number, Map<number, number>>();
  readonly transfers: Transfer[] = [];
  /** Errors thrown by the next transfers, first in first out; null lets one pass. */
  readonly failures: (ErrorCode | null)[] = [];
  /** Advances the clock by this much a transfer. */
  transferMs = 0;
  readonly #clock: TestClock | null;

  constructor(clock: TestClock | null = null) {
    this.#clock = clock;
  }

  addIna226(address: number, registers: Record<number, number> = {}): Map<number, number> {
    const ids = { 0x00: 0x4127, 0xfe: 0x5449, 0xff: 0x2260 };
    const chip = new Map(
      Object.entries({ ...ids, ...registers }).map(([key, value]) => [Number(key), value]),
    );
    this.chips.set(address, chip);
    return chip;
  }

  read(address: number, register: number): number {
    const value = this.#chip(address).get(register) ?? 0;
    this.transfers.push({ kind: 'read', address, register, value });
    return value;
  }

  write(address: number, register: number, value: number): void {
    this.#chip(address).set(register, value);
    this.transfers.push({ kind: 'write', address, register, value });
  }

  reopen(): void {
    this.generation += 1;
  }

  close(): void {
    // Nothing is held.
  }

  #chip(address: number): Map<number, number> {
    if (this.#clock) this.#clock.nowMs += this.transferMs;
    const failure = this.failures.shift();
    if (failure) throw new EdgemuxError(failure, `fake ${failure}`);
    const chip = this.chips.get(address);
    if (!chip) throw new EdgemuxError('CHIP_NOT_ANSWERING', 'fake: no chip');
    return chip;
  }
}

export function testRail(overrides: Partial<Rail> = {}): Rail {
  return {
    name: 'test',
    kind: 'ina226',
    simulated: false,
    source: 'fake bus 0x40',
    within: null,
    updateMs: 0.92,
    spanMs: 1.84,
    fullScaleA: null,
    ...overrides,
  };
}
