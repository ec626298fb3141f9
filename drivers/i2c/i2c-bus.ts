/**
 * The only door to `i2c-bus`. Opened in the sampler's thread alone: the package is not context-aware, a second
 * thread that loads it fails with "Module did not self-register".
 */
import { createRequire } from 'node:module';
import type * as i2c from 'i2c-bus';
import { EdgemuxError, messageOf } from '../../common/errors.js';
import { translateBusError, type RegisterBus } from './register-bus.js';

type I2cModule = Pick<typeof i2c, 'openSync'>;

/** The Linux bus `/dev/i2c-<number>`. Opens at the first transfer. */
export function openI2cBus(number: number, load: () => I2cModule = loadI2c): RegisterBus {
  return new LinuxBus(number, load);
}

function loadI2c(): I2cModule {
  try {
    return createRequire(import.meta.url)('i2c-bus') as I2cModule;
  } catch (error) {
    throw new EdgemuxError(
      'BUS_UNAVAILABLE',
      `i2c-bus cannot be loaded: install it with \`npm install i2c-bus\` (needs python3, make and g++) (${messageOf(error)})`,
      { cause: error },
    );
  }
}

class LinuxBus implements RegisterBus {
  readonly name: string;
  readonly simulated = false;
  generation = 0;
  readonly #number: number;
  readonly #load: () => I2cModule;
  #bus: i2c.I2CBus | null = null;
  /** Addresses whose first transfer went well. */
  readonly #selected = new Set<number>();

  constructor(number: number, load: () => I2cModule) {
    this.#number = number;
    this.#load = load;
    this.name = `i2c-${number}`;
  }

  /** SMBus word read. Its bytes come least significant first, the chip sends most significant first: swapped. */
  read(address: number, register: number): number {
    return this.#transfer(address, (bus) => swap16(bus.readWordSync(address, register)));
  }

  write(address: number, register: number, value: number): void {
    this.#transfer(address, (bus) => bus.writeWordSync(address, register, swap16(value)));
  }

  reopen(): void {
    this.close();
    this.generation += 1;
  }

  close(): void {
    const bus = this.#bus;
    this.#bus = null;
    this.#selected.clear();
    try {
      bus?.closeSync();
    } catch {
      // A descriptor that cannot be closed is lost; the next transfer opens a new one.
    }
  }

  #transfer<T>(address: number, run: (bus: i2c.I2CBus) => T): T {
    try {
      this.#bus ??= this.#load().openSync(this.#number);
      const result = run(this.#bus);
      this.#selected.add(address);
      return result;
    } catch (error) {
      // i2c-bus keeps a descriptor whose address was never set, and would use it for the next call.
      if (!this.#selected.has(address)) this.close();
      throw translateBusError(error, `${this.name} 0x${address.toString(16)}`);
    }
  }
}

function swap16(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}
