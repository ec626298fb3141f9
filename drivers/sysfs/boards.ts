/**
 * Which of a board's rails is the whole. A total is the board's input rail, or the sum of the rails that lie in parallel;
 * a rail that no row knows is never added to it.
 */
import type { Rail } from '../power-sensor.js';

export interface Board {
  title: string;
  /** Rails whose sum is `covers`: the input, or all the rails in parallel. One of them missing, there is no total. */
  total: readonly string[];
  covers: string;
  /** Rails that lie in parallel to the total and feed something else; added only where `power.sum` says so. */
  beside: Readonly<Record<string, string>>;
  /** The rails that a rail contains. */
  contains: Readonly<Record<string, readonly string[]>>;
  source: string;
}

const ENERGYMON = 'https://github.com/energymon/energymon/blob/master/jetson/JetsonPowerRails.md';

/** In the order in which equally good matches are taken; what only has `VDD_IN` is the first row. */
export const BOARDS: readonly Board[] = [
  {
    title: 'a module with VDD_IN',
    total: ['VDD_IN'],
    covers: 'the module',
    beside: {},
    contains: {},
    source: 'https://github.com/energymon/energymon/blob/master/jetson/energymon-jetson.c (default rails)',
  },
  {
    title: 'Jetson TX1',
    total: ['VDD_IN'],
    covers: 'the module',
    beside: { VDD_MUX: 'the carrier board' },
    contains: {
      VDD_IN: ['VDD_GPU', 'VDD_CPU'],
      VDD_MUX: [
        'VDD_5V_IO_SYS',
        'VDD_3V3_SYS',
        'VDD_3V3_IO',
        'VDD_3V3_IO_SLP',
        'VDD_1V8_IO',
        'VDD_M2_IN',
        'VDD_3V3_SYS_M2',
      ],
    },
    source: `${ENERGYMON}#tx1`,
  },
  {
    title: 'Jetson TX2, TX2i, TX2 4GB',
    total: ['VDD_IN'],
    covers: 'the module',
    beside: { VDD_MUX: 'the carrier board' },
    // Names of L4T 28 and 32, and of mainline (arch/arm64/boot/dts/nvidia/tegra186-p3310.dtsi, tegra186-p2771-0000.dts).
    contains: {
      VDD_IN: [
        'VDD_SYS_GPU',
        'VDD_SYS_SOC',
        'VDD_SYS_CPU',
        'VDD_SYS_DDR',
        'VDD_5V0_DDR',
        'VDD_4V0_WIFI',
        'VDD_3V8_WIFI',
      ],
      VDD_MUX: [
        'VDD_5V0_IO_SYS',
        'VDD_5V_IO_SYS',
        'VDD_3V3_SYS',
        'VDD_3V3_IO_SLP',
        'VDD_1V8_IO',
        'VDD_3V3_SYS_M2',
        'VDD_M2_IN',
      ],
    },
    source: `${ENERGYMON}#tx2-tx2i-and-tx2-4gb`,
  },
  {
    title: 'Jetson TX2 NX',
    total: ['VDD_IN'],
    covers: 'the module',
    beside: {},
    contains: { VDD_IN: ['VDD_CPU_GPU', 'VDD_SOC'] },
    source: `${ENERGYMON}#tx2-nx`,
  },
  {
    title: 'Jetson Nano',
    total: ['POM_5V_IN'],
    covers: 'the board',
    beside: {},
    contains: { POM_5V_IN: ['POM_5V_GPU', 'POM_5V_CPU'] },
    source: 'https://forums.developer.nvidia.com/t/power-consumption-monitoring/73608/8',
  },
  {
    title: 'Jetson Xavier NX, Orin NX, Orin Nano',
    total: ['VDD_IN'],
    covers: 'the module',
    beside: {},
    contains: { VDD_IN: ['VDD_CPU_GPU_CV', 'VDD_SOC'] },
    source: `${ENERGYMON}#xavier-nx; Orin: arch/arm64/boot/dts/nvidia/tegra234-p3767.dtsi`,
  },
  {
    title: 'Jetson AGX Xavier',
    total: ['GPU', 'CPU', 'SOC', 'CV', 'VDDRQ', 'SYS5V'],
    covers: 'the module',
    beside: {},
    contains: {},
    source: `${ENERGYMON}#agx-xavier-series`,
  },
  {
    title: 'Jetson AGX Orin',
    total: ['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0'],
    covers: 'the module',
    beside: {},
    contains: { VIN_SYS_5V0: ['VDDQ_VDD2_1V8AO'] },
    source: 'https://github.com/energymon/energymon/blob/master/jetson/energymon-jetson.c (default rails)',
  },
  {
    title: 'Jetson AGX Thor',
    total: ['VIN'],
    covers: 'module and carrier board',
    beside: {},
    contains: { VIN: ['VDD_GPU', 'VDD_CPU_SOC_MSS', 'VIN_SYS_5V0'] },
    source:
      'https://github.com/rbonghi/jetson_stats/pull/900, ' +
      'https://forums.developer.nvidia.com/t/question-about-power-monitor-with-additional-load-on-jetson-thor/366461',
  },
];

/** The board whose rails these are, by their names; null where too few of them are known. */
export function boardOf(names: readonly string[]): Board | null {
  let best: Board | null = null;
  let most = 0;
  for (const board of BOARDS) {
    const known = names.filter((name) => isOf(board, name)).length;
    const enough = known >= 2 || (board.total.length === 1 && names.includes(board.total[0] ?? ''));
    if (!enough || known <= most) continue;
    best = board;
    most = known;
  }
  return best;
}

function isOf(board: Board, name: string): boolean {
  return board.total.includes(name) || name in board.beside || parentIn(board, name) !== null;
}

function parentIn(board: Board, name: string): string | null {
  return Object.entries(board.contains).find(([, parts]) => parts.includes(name))?.[0] ?? null;
}

/** The rail that contains a rail of this board; without a board: the one that all boards with such a rail agree on. */
export function knownParent(name: string, board: Board | null = null): string | null {
  if (board) return parentIn(board, name);
  const parents = new Set(BOARDS.filter((each) => isOf(each, name)).map((each) => parentIn(each, name)));
  return parents.size === 1 ? ([...parents][0] ?? null) : null;
}

export interface Total {
  /** Names of the rails whose sum is the device's power; none where the whole is not known. */
  counted: string[];
  /** What the sum measures and what lies beside it, or why there is none; null where there are no rails. */
  says: string;
}

/** The device's power from the rails of the kernel. @param readable names of those that can be measured */
export function totalOf(board: Board | null, readable: readonly string[]): Total {
  if (board === null) {
    if (readable.length === 0) return { counted: [], says: 'no total: no rail can be read' };
    const list = readable.join(', ');
    return {
      counted: [],
      says: `no total: edgemux knows no board with the rails ${list}; name those to add up in power.sum`,
    };
  }
  const missing = board.total.filter((name) => !readable.includes(name));
  if (missing.length > 0) {
    const whole = board.total.join(' + ');
    return {
      counted: [],
      says: `no total: the power of ${board.covers} (${board.title}) is ${whole}, and ${missing.join(', ')} is not measured`,
    };
  }
  const beside = Object.entries(board.beside).filter(([name]) => readable.includes(name));
  const sum = [...board.total, ...beside.map(([name]) => name)];
  const more = beside.map(
    ([name, what]) =>
      `; ${name} (${what}) lies in parallel and is not counted: \`power.sum: [${sum.join(', ')}]\` counts both`,
  );
  return {
    counted: [...board.total],
    says: `the power of ${board.covers} is ${board.total.join(' + ')}${more.join('')}`,
  };
}

/**
 * Rails that no other measured rail contains. A parent that is not measured is looked through: what lies in a rail
 * that lies in a measured one is contained as well.
 */
export function topRails<T extends Pick<Rail, 'name' | 'within'>>(rails: readonly T[]): T[] {
  const byName = new Map(rails.map((rail) => [rail.name, rail]));
  return rails.filter((rail) => {
    const seen = new Set([rail.name]);
    let parent = rail.within ?? knownParent(rail.name);
    while (parent !== null && !seen.has(parent)) {
      if (byName.has(parent)) return false;
      seen.add(parent);
      parent = knownParent(parent);
    }
    return true;
  });
}
