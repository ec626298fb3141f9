/** How many samples per second a bus can carry. Pure. */
import { EdgemuxError } from '../../common/errors.js';

/**
 * Clocks of the bus for one register read: address, register, repeated start, address, two bytes, with their
 * acknowledges, start and stop; a write is 9 less.
 */
const CLOCKS_PER_READ = 48;
const CLOCKS_PER_WRITE = 39;
/** Above this use of the wire there is little left for the kernel's own time between transfers. */
export const TIGHT_USE = 0.85;

export interface BusUser {
  name: string;
  rateHz: number;
  /** Register transfers of one sample. */
  transfers: { reads: number; writes: number };
}

/** Wire time of one sample in s. */
export function sampleWireS(busHz: number, { reads, writes }: BusUser['transfers']): number {
  return (reads * CLOCKS_PER_READ + writes * CLOCKS_PER_WRITE) / busHz;
}

/** Share of the bus that its rails use, 0 to 1 and beyond. */
export function busUse(busHz: number, users: readonly BusUser[]): number {
  return users.reduce((sum, user) => sum + user.rateHz * sampleWireS(busHz, user.transfers), 0);
}

/** Throws `RAIL_RATE_IMPOSSIBLE`, with what would help, where rails want more than their bus can carry. */
export function checkBusBudget(bus: { name: string; busHz: number }, users: readonly BusUser[]): number {
  const use = busUse(bus.busHz, users);
  if (use <= 1) return use;
  const wanted = users.map((user) => `${user.name} ${user.rateHz} Hz`).join(', ');
  const factor = Math.floor(1000 / use) / 1000;
  const wireUs = Math.max(...users.map(({ transfers }) => 1e6 * sampleWireS(bus.busHz, transfers))).toFixed(
    0,
  );
  const slowest = Math.floor(Math.min(...users.map((user) => user.rateHz * factor)));
  throw new EdgemuxError(
    'RAIL_RATE_IMPOSSIBLE',
    `${bus.name} runs at ${bus.busHz / 1000} kHz and would be busy ${(use * 100).toFixed(0)} % of the time (${wanted}; ` +
      `${wireUs} us a sample): lower the rates to ${slowest} Hz, measure fewer rails, ` +
      `or raise the bus clock (L4T: \`echo 400000 | sudo tee /sys/bus/i2c/devices/${bus.name}/bus_clk_rate\`)`,
    { details: { use, busHz: bus.busHz } },
  );
}
