/** The bus of the power sensors fails. The rails are simulated: no machine that runs these tests has an INA226. */
import { fileURLToPath } from 'node:url';
import type { BusFault } from '../../../drivers/simulation/simulated-bus.js';
import type { FaultCase } from '../support/play.js';
import type { RigOptions } from '../support/rig.js';
import { sleep, stream } from './common.js';

const PROGRAM = fileURLToPath(new URL('../support/agent-bus-faults.js', import.meta.url));
const LASTING_S = 12;

function withBus(faults: readonly BusFault[]): RigOptions {
  return {
    program: PROGRAM,
    child: { env: { FAULTS: JSON.stringify(faults) } },
    agent: {
      policy: { mode: 'mobile-only' },
      power: { simulate: true, rails: [{ kind: 'ina226', name: 'module', shuntOhms: 0.01 }] },
    },
  };
}

function bus(name: string, what: string, faults: readonly BusFault[], recovers: boolean): FaultCase {
  return {
    name,
    what,
    tier: 'full',
    rig: withBus(faults),
    play: async (rig, claim) => {
      const energies = { measured: 0, missing: 0 };
      rig.accountant.onResult = ({ energyJ }) => {
        energies[energyJ === null ? 'missing' : 'measured'] += 1;
      };
      const health: string[] = [];
      rig.accountant.onState = ({ rails }) => void health.push(rails[0]?.health ?? 'none');
      await rig.startAgent();
      stream(rig);
      await sleep(LASTING_S * 1000);
      await rig.settle();
      claim(health.includes('warning'), 'the state says that the rail fails');
      if (recovers) claim(health.at(-1) === 'ok', 'the rail comes back by itself');
      claim(energies.missing > 0 || recovers, 'no energy is made up while nothing measures');
      return `energy of ${energies.measured} frames measured (simulated), of ${energies.missing} null`;
    },
  };
}

export const SENSOR_CASES: readonly FaultCase[] = [
  bus(
    'i2c-nacks',
    'half of all I2C transfers are not acknowledged for 4 s, then none for 2 s',
    [
      { kind: 'nack', fromMs: 3000, toMs: 7000, share: 0.5 },
      { kind: 'nack', fromMs: 7000, toMs: 9000 },
    ],
    true,
  ),
  bus(
    'i2c-hangs',
    'transfers hang for 1 s each, for 4 s',
    [{ kind: 'hang', fromMs: 3000, toMs: 7000, hangMs: 1000 }],
    true,
  ),
  bus(
    'i2c-dead',
    'the bus is dead from the 4th second on',
    [{ kind: 'nack', fromMs: 4000, toMs: 1e9 }],
    false,
  ),
];
