/** The sensor chips that edgemux knows. To add one: its file, and a line here (CONTRIBUTING.md, "a sensor chip"). */
import type { PowerChip } from './chip.js';
import { ina226 } from './ina226/chip.js';
import type { ChipName } from './power-sensor.js';

export const CHIPS = { ina226 } satisfies { [Name in ChipName]: PowerChip<Name> };

export const CHIP_NAMES = Object.keys(CHIPS) as ChipName[];

/** A chip by its name, for code that treats all chips alike. */
export function chipOf(name: ChipName): PowerChip {
  return CHIPS[name];
}
