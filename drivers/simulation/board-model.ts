/**
 * What the simulated board draws: published figures of a Jetson TX2 and of its links, each with its source.
 * docs/power.md has this table. GPU-like local time is not modelled: a network's joules follow from its
 * multiply-accumulates alone, and come at the rate of the paper's device, however long the run takes here.
 */
import type { WorkKind } from '../../common/activity.js';

/** A figure and where it is from. */
export interface Figure {
  value: number;
  unit: string;
  what: string;
  source: string;
}

const PAPER = 'arXiv 2001.05870, table I: mobilenet_v2 (299 M) on a TX2, 12 mJ and 3.53 ms';
const IDLE_LOG =
  'tegrastats of an idle TX2, github.com/gustavz/realtime_object_detection issue 24: mean of its first four lines';
const BUSY_LOG =
  'the same less tegrastats of a TX2 under MobileNet on its CPU, gist.github.com/TerryTsao/fa30ba54e660c51d5c91aafb55715d89, ' +
  'by the 4.5 cores that were busy (mean of its first three lines)';

/** Of the whole module but for its links. */
export const BOARD_FIGURES = {
  idleW: { value: 1.805, unit: 'W', what: 'module, idle (VDD_IN)', source: IDLE_LOG },
  idleCpuW: { value: 0.231, unit: 'W', what: 'CPU rail, idle (VDD_CPU)', source: IDLE_LOG },
  idleGpuW: { value: 0.154, unit: 'W', what: 'GPU rail, idle (VDD_GPU)', source: IDLE_LOG },
  macJ: { value: 12e-3 / 299e6, unit: 'J', what: 'one multiply-accumulate of a network', source: PAPER },
  macPerS: { value: 299e6 / 3.53e-3, unit: '1/s', what: 'multiply-accumulates a second', source: PAPER },
  coreW: { value: 1.238, unit: 'W', what: 'one busy core, seen at the module', source: BUSY_LOG },
  coreCpuW: { value: 0.693, unit: 'W', what: 'one busy core, seen at the CPU rail', source: BUSY_LOG },
} as const satisfies Record<string, Figure>;

/** Energy of a link: `alpha` mW for each Mbit/s, and `beta` mW while bytes are on their way, at a rate of its own. */
export interface LinkFigures {
  alphaUp: number;
  alphaDown: number;
  beta: number;
  upMbitS: number;
  downMbitS: number;
  source: string;
}

const HUANG =
  'power: Huang et al., MobiSys 2012, as used by Neurosurgeon (ASPLOS 2017) and JointDNN (arXiv 1801.08618), ' +
  'which also has the rates';

export const LINK_FIGURES = {
  wifi: link([283.17, 137.01, 132.86], [18.88, 54.97], HUANG),
  lte: link([438.39, 51.97, 1288.04], [5.85, 13.76], HUANG),
  '3g': link([868.98, 122.12, 817.88], [1.1, 2.0275], HUANG),
  wired: link(
    [0, 0, 190],
    [100, 100],
    'a Raspberry Pi 3 B with its cable plugged and unplugged, 1.32 and 1.13 W ' +
      '(medium.com/@fguerraz/raspberry-pi-3-model-b-power-consumption-925eeb43cd77): counted while bytes are under way',
  ),
} as const;

export type SimulatedLink = keyof typeof LINK_FIGURES;
export const SIMULATED_LINKS = Object.keys(LINK_FIGURES) as [SimulatedLink, ...SimulatedLink[]];

function link(
  [alphaUp, alphaDown, beta]: [number, number, number],
  [upMbitS, downMbitS]: [number, number],
  source: string,
): LinkFigures {
  return { alphaUp, alphaDown, beta, upMbitS, downMbitS, source };
}

/** What a rail draws over idle while work of a kind is done, and how much of it a second; `serial`: one at a time. */
export interface WorkPower {
  powerW: number;
  perS: number;
  serial: boolean;
}

/** One simulated rail. */
export interface RailModel {
  voltageV: number;
  idleW: number;
  work: Record<WorkKind, WorkPower>;
}

/** Nominal input of the developer kit. */
const VOLTAGE_V = 19;

/** The model of a rail by its name: an inner rail where that says gpu or cpu, else the whole module. */
export function railModelFor(railName: string, linkName: SimulatedLink): RailModel {
  const module = moduleModel(LINK_FIGURES[linkName]);
  const { idleCpuW, idleGpuW, coreCpuW } = BOARD_FIGURES;
  const none = (power: WorkPower): WorkPower => ({ ...power, powerW: 0 });
  const { macs, imageCpuMs, bytesUp, bytesDown } = module.work;
  const radio = { bytesUp: none(bytesUp), bytesDown: none(bytesDown) };
  // Which share of the paper's joules the GPU's rail sees was never published: all of it.
  if (/gpu/i.test(railName)) {
    return { ...module, idleW: idleGpuW.value, work: { macs, imageCpuMs: none(imageCpuMs), ...radio } };
  }
  if (/cpu/i.test(railName)) {
    const core = { ...imageCpuMs, powerW: coreCpuW.value };
    return { ...module, idleW: idleCpuW.value, work: { macs: none(macs), imageCpuMs: core, ...radio } };
  }
  return module;
}

function moduleModel(radio: LinkFigures): RailModel {
  const { idleW, macJ, macPerS, coreW } = BOARD_FIGURES;
  const transfer = (alpha: number, mbitS: number): WorkPower => ({
    powerW: (alpha * mbitS + radio.beta) / 1e3,
    perS: (mbitS * 1e6) / 8,
    serial: true,
  });
  return {
    voltageV: VOLTAGE_V,
    idleW: idleW.value,
    work: {
      macs: { powerW: macJ.value * macPerS.value, perS: macPerS.value, serial: true },
      imageCpuMs: { powerW: coreW.value, perS: 1e3, serial: false },
      bytesUp: transfer(radio.alphaUp, radio.upMbitS),
      bytesDown: transfer(radio.alphaDown, radio.downMbitS),
    },
  };
}

/** Energy in J over idle that work costs at a rail. */
export function workJ(model: RailModel, kind: WorkKind, amount: number): number {
  const { powerW, perS } = model.work[kind];
  return (powerW * amount) / perS;
}
