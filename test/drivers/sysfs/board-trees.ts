/** Folders like `/sys` of every board that edgemux knows the rails of: layouts as the kernels have them, invented values. */

export type Tree = Record<string, string | Buffer | { to: string }>;

/** Name, millivolts, milliamperes. */
type Channel = readonly [name: string, mV: number, mA: number];

/** An INA3221 under L4T's own driver (`ina3221x`), channels from 0. */
export function iioChip(place: { bus: number; address: string; device: number }, channels: Channel[]): Tree {
  const chip = `${place.bus}-${place.address}`;
  const folder = `devices/i2c-${place.bus}/${chip}/iio:device${place.device}`;
  const tree: Tree = {
    [`${folder}/name`]: 'ina3221x',
    [`bus/i2c/drivers/ina3221x/${chip}`]: { to: `devices/i2c-${place.bus}/${chip}` },
    [`bus/iio/devices/iio:device${place.device}`]: { to: folder },
  };
  channels.forEach(([name, mV, mA], i) => {
    tree[`${folder}/rail_name_${i}`] = name;
    tree[`${folder}/in_voltage${i}_input`] = String(mV);
    tree[`${folder}/in_current${i}_input`] = String(mA);
    tree[`${folder}/in_power${i}_input`] = String(Math.trunc((mV * mA) / 1000));
  });
  return tree;
}

/** An INA3221 under mainline's driver, channels from 1, with the sums that the driver adds. */
export function hwmonChip(
  place: { bus: number; address: string; hwmon: number },
  channels: Channel[],
  overrides: Tree = {},
): Tree {
  const chip = `${place.bus}-${place.address}`;
  const folder = `devices/i2c-${place.bus}/${chip}/hwmon/hwmon${place.hwmon}`;
  const tree: Tree = {
    [`${folder}/name`]: 'ina3221',
    [`${folder}/device`]: { to: `devices/i2c-${place.bus}/${chip}` },
    [`class/hwmon/hwmon${place.hwmon}`]: { to: folder },
    [`${folder}/in7_label`]: 'sum of shunt voltages',
    [`${folder}/in7_input`]: '1000',
    [`${folder}/curr4_input`]: '1000',
  };
  channels.forEach(([name, mV, mA], i) => {
    tree[`${folder}/in${i + 1}_label`] = name;
    tree[`${folder}/in${i + 1}_enable`] = '1';
    tree[`${folder}/in${i + 1}_input`] = String(mV);
    tree[`${folder}/curr${i + 1}_input`] = String(mA);
    tree[`${folder}/shunt${i + 1}_resistor`] = '2000';
  });
  for (const [name, content] of Object.entries(overrides)) tree[`${folder}/${name}`] = content;
  return tree;
}

/** A chip with one channel (INA226, INA238) under mainline's drivers. */
export function singleChip(
  place: { bus: number; address: string; hwmon: number },
  chip: string,
  label: string | null,
  { mV, mA, uW }: { mV: number; mA: number; uW: number },
): Tree {
  const device = `devices/i2c-${place.bus}/${place.bus}-${place.address}`;
  const folder = `${device}/hwmon/hwmon${place.hwmon}`;
  return {
    [`${folder}/name`]: chip,
    ...(label === null ? {} : { [`${folder}/label`]: label }),
    [`${folder}/device`]: { to: device },
    [`${folder}/in0_input`]: '12',
    [`${folder}/in1_input`]: String(mV),
    [`${folder}/curr1_input`]: String(mA),
    [`${folder}/power1_input`]: String(uW),
    [`class/hwmon/hwmon${place.hwmon}`]: { to: folder },
  };
}

export interface BoardTree {
  /** Row of the table of boards. */
  title: string;
  kernel: string;
  tree: Tree;
  /** Watts of the counted rails. */
  wholeW: number;
  /** Watts of the counted rails and of those beside them. */
  allW: number;
}

const NX: Channel[] = [
  ['VDD_IN', 5000, 1200],
  ['VDD_CPU_GPU_CV', 5000, 400],
  ['VDD_SOC', 5000, 300],
];
const TX2_MODULE: Channel[][] = [
  [
    ['VDD_SYS_GPU', 19000, 50],
    ['VDD_SYS_SOC', 19000, 60],
    ['VDD_4V0_WIFI', 4800, 10],
  ],
  [
    ['VDD_IN', 19000, 400],
    ['VDD_SYS_CPU', 19000, 100],
    ['VDD_SYS_DDR', 19000, 80],
  ],
];
const TX2_CARRIER: Channel[][] = [
  [
    ['VDD_MUX', 19000, 200],
    ['VDD_5V0_IO_SYS', 5000, 300],
    ['VDD_3V3_SYS', 3300, 200],
  ],
  [
    ['VDD_3V3_IO_SLP', 3300, 30],
    ['VDD_1V8_IO', 1800, 20],
    ['VDD_3V3_SYS_M2', 3300, 10],
  ],
];
const MAINLINE_NAMES: Record<string, string> = {
  VDD_4V0_WIFI: 'VDD_3V8_WIFI',
  VDD_SYS_DDR: 'VDD_5V0_DDR',
  VDD_3V3_SYS_M2: 'VDD_M2_IN',
};
const XAVIER: Channel[][] = [
  [
    ['GPU', 19000, 100],
    ['CPU', 19000, 80],
    ['SOC', 19000, 60],
  ],
  [
    ['CV', 19000, 10],
    ['VDDRQ', 19000, 20],
    ['SYS5V', 5000, 500],
  ],
];
const ORIN: Channel[] = [
  ['VDD_GPU_SOC', 19000, 200],
  ['VDD_CPU_CV', 19000, 50],
  ['VIN_SYS_5V0', 5000, 900],
];
const ADDRESSES = ['0040', '0041', '0042', '0043'];

function allIio(bus: number, chips: Channel[][]): Tree {
  return Object.assign(
    {},
    ...chips.map((channels, i) => iioChip({ bus, address: ADDRESSES[i] ?? '', device: i }, channels)),
  ) as Tree;
}

function allHwmon(bus: number, chips: Channel[][]): Tree {
  return Object.assign(
    {},
    ...chips.map((channels, i) => hwmonChip({ bus, address: ADDRESSES[i] ?? '', hwmon: i + 2 }, channels)),
  ) as Tree;
}

/** The AGX Orin's second chip: two of its inputs are not connected, which its device tree says by name. */
export const ORIN_SECOND: Channel[] = [
  ['NC', 18000, 1300],
  ['VDDQ_VDD2_1V8AO', 5000, 150],
  ['NC', 18000, 900],
];

export const BOARD_TREES: readonly BoardTree[] = [
  {
    title: 'Jetson TX1',
    kernel: 'L4T 28',
    tree: allIio(1, [
      [
        ['VDD_IN', 19000, 300],
        ['VDD_GPU', 19000, 50],
        ['VDD_CPU', 19000, 60],
      ],
      [
        ['VDD_MUX', 19000, 100],
        ['VDD_5V_IO_SYS', 5000, 100],
        ['VDD_3V3_SYS', 3300, 90],
      ],
      [
        ['VDD_3V3_IO', 3300, 20],
        ['VDD_1V8_IO', 1800, 10],
        ['VDD_M2_IN', 3300, 5],
      ],
    ]),
    wholeW: 5.7,
    allW: 7.6,
  },
  {
    title: 'Jetson TX2, TX2i, TX2 4GB',
    kernel: 'L4T 28 and 32',
    tree: allIio(0, [...TX2_MODULE, ...TX2_CARRIER]),
    wholeW: 7.6,
    allW: 11.4,
  },
  {
    title: 'Jetson TX2, TX2i, TX2 4GB',
    kernel: 'mainline',
    tree: allHwmon(
      0,
      [...TX2_MODULE, ...TX2_CARRIER].map((chip) =>
        chip.map(([name, mV, mA]) => [MAINLINE_NAMES[name] ?? name, mV, mA] as const),
      ),
    ),
    wholeW: 7.6,
    allW: 11.4,
  },
  {
    title: 'Jetson TX2, TX2i, TX2 4GB',
    kernel: 'L4T 32, a carrier board without sensors',
    tree: allIio(0, TX2_MODULE),
    wholeW: 7.6,
    allW: 7.6,
  },
  {
    title: 'Jetson TX2 NX',
    kernel: 'L4T 32',
    tree: allIio(1, [
      [
        ['VDD_IN', 5000, 800],
        ['VDD_CPU_GPU', 5000, 250],
        ['VDD_SOC', 5000, 200],
      ],
    ]),
    wholeW: 4,
    allW: 4,
  },
  {
    title: 'Jetson Nano',
    kernel: 'L4T 32',
    tree: allIio(6, [
      [
        ['POM_5V_IN', 5100, 500],
        ['POM_5V_GPU', 5100, 40],
        ['POM_5V_CPU', 5100, 120],
      ],
    ]),
    wholeW: 2.55,
    allW: 2.55,
  },
  {
    title: 'Jetson Xavier NX, Orin NX, Orin Nano',
    kernel: 'L4T 32 (Xavier NX)',
    tree: allIio(7, [NX]),
    wholeW: 6,
    allW: 6,
  },
  {
    title: 'Jetson Xavier NX, Orin NX, Orin Nano',
    kernel: 'L4T 35 and 36 (Orin)',
    tree: allHwmon(1, [NX]),
    wholeW: 6,
    allW: 6,
  },
  { title: 'Jetson AGX Xavier', kernel: 'L4T 32', tree: allIio(1, XAVIER), wholeW: 7.63, allW: 7.63 },
  { title: 'Jetson AGX Xavier', kernel: 'L4T 35', tree: allHwmon(1, XAVIER), wholeW: 7.63, allW: 7.63 },
  {
    title: 'Jetson AGX Orin',
    kernel: 'L4T 35 and 36',
    tree: allHwmon(1, [ORIN, ORIN_SECOND]),
    wholeW: 9.25,
    allW: 9.25,
  },
  {
    title: 'Jetson AGX Thor',
    kernel: 'L4T 38',
    tree: {
      ...allHwmon(2, [
        [
          ['VDD_GPU', 19000, 300],
          ['VDD_CPU_SOC_MSS', 19000, 350],
          ['VIN_SYS_5V0', 5000, 1300],
        ],
      ]),
      ...singleChip({ bus: 2, address: '0044', hwmon: 7 }, 'ina238', 'VIN', {
        mV: 20000,
        mA: 1150,
        uW: 23_000_000,
      }),
    },
    wholeW: 23,
    allW: 23,
  },
  {
    title: 'a module with VDD_IN',
    kernel: 'any, with other names beside it',
    tree: allIio(3, [
      [
        ['VDD_IN', 5000, 700],
        ['VDD_NEW', 5000, 200],
      ],
    ]),
    wholeW: 3.5,
    allW: 3.5,
  },
];
