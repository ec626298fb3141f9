/** The rig's side, inside its VM: sets chip registers behind the driver's back. */
import { existsSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openI2cBus } from '../../drivers/i2c/i2c-bus.js';

export interface VmRig {
  adapter: 'sim' | 'stub';
  /** Sets registers of a chip, also read-only ones, and ones the kernel owns. */
  set(address: number, registers: Record<number, number>): void;
}

const SIM_DEVICE = '/dev/ina226sim';
const SIM_PARAMETERS = '/sys/module/ina226sim/parameters';

export function openVmRig(): VmRig {
  return existsSync(SIM_DEVICE) ? simRig() : stubRig();
}

function simRig(): VmRig {
  const device = openSync(SIM_DEVICE, 'w');
  return {
    adapter: 'sim',
    set: (address, registers) => {
      const records = Object.entries(registers).flatMap(([register, value]) => [
        address,
        Number(register),
        value >> 8,
        value & 0xff,
      ]);
      writeSync(device, Buffer.from(records));
    },
  };
}

/** The stub is memory: written over the bus itself, with force where the kernel's driver holds the address. */
function stubRig(): VmRig {
  type Module = { openSync: (bus: number, options?: { forceAccess: boolean }) => never };
  const load = (): Module => {
    const module = createRequire(import.meta.url)('i2c-bus') as Module;
    return { openSync: (number) => module.openSync(number, { forceAccess: true }) };
  };
  const bus = openI2cBus(0, load);
  return {
    adapter: 'stub',
    set: (address, registers) => {
      for (const [register, value] of Object.entries(registers)) bus.write(address, Number(register), value);
    },
  };
}

/** A parameter of the simulated adapter: `khz`, `nack_left`, `nack_errno`. */
export function setAdapter(name: string, value: number): void {
  writeFileSync(join(SIM_PARAMETERS, name), String(value));
}

/** Binds the kernel's own driver to an address and returns its hwmon folder. */
export function bindKernelDriver(address: number): string {
  const hex = address.toString(16).padStart(4, '0');
  writeFileSync('/sys/bus/i2c/devices/i2c-0/new_device', `ina226 0x${address.toString(16)}`);
  const hwmon = `/sys/bus/i2c/devices/0-${hex}/hwmon`;
  const [folder] = readdirSync(hwmon);
  return join(hwmon, folder ?? '');
}

export function kernelNumber(folder: string, file: string): number {
  return Number(readFileSync(join(folder, file), 'latin1'));
}
