/** One INA226: register access in the chip's own terms. No clock and no policy; retries are the sensor's. */
import { EdgemuxError } from '../../common/errors.js';
import { encodeAlert, type Alert } from './ina226-alerts.js';
import { DIE_ID, MANUFACTURER_ID, MASK_BITS, REGISTERS, currentLsbA } from './ina226-registers.js';
import { decodeConfiguration, encodeConfiguration, type Configuration } from './ina226-timing.js';
import type { RegisterBus } from '../i2c/register-bus.js';

export interface Ina226Settings {
  address: number;
  shuntOhms: number;
  /** Calibration register, 1 to 32767. */
  calibration: number;
  configuration: Configuration;
  alert?: Alert | undefined;
}

/** Everything the chip holds, raw. */
export interface Ina226Registers {
  configuration: number;
  shuntVoltage: number;
  busVoltage: number;
  power: number;
  current: number;
  calibration: number;
}

export interface Ina226Flags {
  /** All conversions and averages of a value are done (CVRF); reading it clears it. */
  conversionReady: boolean;
  /** Arithmetic overflow (OVF): current and power registers are invalid. */
  overflow: boolean;
  /** The alert function triggered (AFF). */
  alert: boolean;
}

export class Ina226 {
  readonly settings: Ina226Settings;
  readonly #bus: RegisterBus;

  constructor(deps: { bus: RegisterBus }, settings: Ina226Settings) {
    this.#bus = deps.bus;
    this.settings = settings;
  }

  /** Current LSB in A that the integer calibration gives. */
  get currentLsbA(): number {
    return currentLsbA(this.settings.calibration, this.settings.shuntOhms);
  }

  /** Throws `CHIP_WRONG` where another chip answers at the address. */
  identify(): void {
    const manufacturer = this.#read(REGISTERS.manufacturerId);
    const die = this.#read(REGISTERS.dieId);
    if (manufacturer === MANUFACTURER_ID && die === DIE_ID) return;
    const where = `${this.#bus.name} 0x${this.settings.address.toString(16)}`;
    throw new EdgemuxError(
      'CHIP_WRONG',
      `${where}: the chip is not an INA226: ids ${hex(manufacturer)}/${hex(die)}, expected 0x5449/0x2260` +
        `${otherChip(manufacturer, die)}. \`edgemux power scan\` lists what answers`,
      { details: { manufacturer, die, address: this.settings.address } },
    );
  }

  /** Writes calibration, alert and, last because it starts a conversion, configuration. */
  configure(): void {
    this.#write(REGISTERS.calibration, this.settings.calibration);
    if (this.settings.alert) this.setAlert(this.settings.alert);
    this.#write(REGISTERS.configuration, encodeConfiguration(this.settings.configuration));
  }

  /** Sets the alert; the function is off while the limit changes, so that the pin does not flicker. */
  setAlert(alert: Alert): void {
    const registers = encodeAlert(alert, this.settings);
    this.#write(REGISTERS.maskEnable, 0);
    this.#write(REGISTERS.alertLimit, registers.alertLimit);
    this.#write(REGISTERS.maskEnable, registers.maskEnable);
  }

  /**
   * True where configuration and calibration are what was written. A brown-out resets both: the current and
   * power registers then read 0 and conversions take 2.2 ms.
   */
  intact(): boolean {
    const { calibration, configuration } = this.settings;
    return (
      this.#read(REGISTERS.calibration) === calibration &&
      this.#read(REGISTERS.configuration) === encodeConfiguration(configuration)
    );
  }

  /** In a triggered mode: starts one conversion (any write of the configuration does). */
  trigger(): void {
    this.#write(REGISTERS.configuration, encodeConfiguration(this.settings.configuration));
  }

  /** Raw shunt register. */
  readShunt(): number {
    return this.#read(REGISTERS.shuntVoltage);
  }

  /** Raw bus register. */
  readBus(): number {
    return this.#read(REGISTERS.busVoltage);
  }

  /** Reading clears the conversion-ready flag, and a latched alert. */
  readFlags(): Ina226Flags {
    const raw = this.#read(REGISTERS.maskEnable);
    return {
      conversionReady: (raw & MASK_BITS.conversionReadyFlag) !== 0,
      overflow: (raw & MASK_BITS.overflow) !== 0,
      alert: (raw & MASK_BITS.alertFunctionFlag) !== 0,
    };
  }

  readRegisters(): Ina226Registers {
    return {
      configuration: this.#read(REGISTERS.configuration),
      shuntVoltage: this.#read(REGISTERS.shuntVoltage),
      busVoltage: this.#read(REGISTERS.busVoltage),
      power: this.#read(REGISTERS.power),
      current: this.#read(REGISTERS.current),
      calibration: this.#read(REGISTERS.calibration),
    };
  }

  /** The configuration that the chip has now. */
  readConfiguration(): Configuration {
    return decodeConfiguration(this.#read(REGISTERS.configuration));
  }

  #read(register: number): number {
    return this.#bus.read(this.settings.address, register);
  }

  #write(register: number, value: number): void {
    this.#bus.write(this.settings.address, register, value);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

/** Names the likely mistake, where the ids give it away. */
function otherChip(manufacturer: number, die: number): string {
  if (manufacturer === MANUFACTURER_ID && die === 0x3220) return ' (an INA3221: the kernel measures it)';
  if (manufacturer === MANUFACTURER_ID && die >> 4 === 0x226) return ' (an INA226 of another revision)';
  if (manufacturer === MANUFACTURER_ID) return ' (another chip of the same maker)';
  if (manufacturer === die) return ' (a chip without id registers, such as an INA219)';
  return '';
}
