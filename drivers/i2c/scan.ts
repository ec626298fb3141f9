/** Which power monitors answer on a bus. Reads only; runs in a thread of its own like every transfer. */
import { isEdgemuxError, messageOf, type ErrorCode } from '../../common/errors.js';
import { CHIPS } from '../chips.js';
import { MANUFACTURER_ID, REGISTERS } from '../ina226/ina226-registers.js';
import type { RegisterBus } from './register-bus.js';

/** What was found at one address. */
export interface Chip {
  address: number;
  /** `INA226`, `INA3221`, …; `unknown` where something else answers. */
  name: string;
  manufacturerId: number;
  dieId: number;
}

export interface BusScan {
  bus: number;
  chips: Chip[];
  /** Addresses that a kernel driver owns: not asked. */
  owned: number[];
  /** Why the bus could not be scanned; null when it was. */
  problem: { code: ErrorCode; message: string } | null;
}

/** Where power monitors of Texas Instruments can be (four address pins' worth), and every chip that we know. */
const FIRST_ADDRESS = Math.min(0x40, ...Object.values(CHIPS).map(({ addresses }) => addresses.first));
const LAST_ADDRESS = Math.max(0x4f, ...Object.values(CHIPS).map(({ addresses }) => addresses.last));
const INA3221_DIE_ID = 0x3220;
/** An INA219 has no id registers; its configuration after power-on. */
const INA219_CONFIGURATION = 0x399f;

export function scanBus(bus: RegisterBus, number: number): BusScan {
  const scan: BusScan = { bus: number, chips: [], owned: [], problem: null };
  for (let address = FIRST_ADDRESS; address <= LAST_ADDRESS; address += 1) {
    try {
      scan.chips.push(identify(bus, address));
    } catch (error) {
      if (isEdgemuxError(error, 'CHIP_NOT_ANSWERING', 'BUS_ARBITRATION_LOST')) continue;
      if (isEdgemuxError(error, 'BUS_BUSY')) {
        scan.owned.push(address);
        continue;
      }
      const code = isEdgemuxError(error) ? error.code : 'SENSOR_FAILED';
      scan.problem = { code, message: messageOf(error) };
      break;
    }
  }
  bus.close();
  return scan;
}

function identify(bus: RegisterBus, address: number): Chip {
  const manufacturerId = bus.read(address, REGISTERS.manufacturerId);
  const dieId = bus.read(address, REGISTERS.dieId);
  return { address, manufacturerId, dieId, name: chipName(bus, address, manufacturerId, dieId) };
}

function chipName(bus: RegisterBus, address: number, manufacturerId: number, dieId: number): string {
  const ours = Object.values(CHIPS).find((chip) => chip.identify(bus, address));
  if (ours) return ours.label;
  if (manufacturerId === MANUFACTURER_ID && dieId === INA3221_DIE_ID) return 'INA3221';
  if (bus.read(address, REGISTERS.configuration) === INA219_CONFIGURATION) return 'INA219 (likely)';
  return 'unknown';
}
