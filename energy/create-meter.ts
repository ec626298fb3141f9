/** The meter that a device's settings ask for. */
import { enterStage, leaveStage } from '../common/activity.js';
import type { PowerConfig } from './config.js';
import { LiveMeter } from './live-meter.js';
import type { EnergyMeter, EnergyMeterDeps, FrameMeter } from './meter.js';

const WARNING =
  'power: no rail is configured, so energies are null (set power.rails; `edgemux power scan` lists what there is)';

/** The meter of a device without rails: counts stages on the board, measures nothing, and says so. */
export function createNullMeter(deps: Pick<EnergyMeterDeps, 'board'>): EnergyMeter {
  let frames = 0;
  const frame = (): FrameMeter => ({
    enter: (stage) => enterStage(deps.board, stage),
    leave: (stage) => leaveStage(deps.board, stage),
    span: () => undefined,
    transfer: () => undefined,
    finish: () => {
      frames += 1;
      return Promise.resolve(null);
    },
  });
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    frame,
    rails: () => [],
    health: () => [WARNING],
    totals: () => ({
      energyJ: 0,
      idleW: null,
      framesMeasured: 0,
      framesBridged: 0,
      framesUnmeasured: frames,
      simulated: false,
    }),
  };
}

/** A meter for the configured rails; one that measures nothing, and says so, where there are none. */
export function createEnergyMeter(deps: EnergyMeterDeps, config: PowerConfig): EnergyMeter {
  return config.simulate || config.rails.length > 0 ? new LiveMeter(deps, config) : createNullMeter(deps);
}
