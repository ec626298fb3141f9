/** Settings of the power rails and of the energy per frame: the one place for their types, defaults and units. */
import { z } from 'zod';
import type { PowerChip } from '../drivers/chip.js';
import { CHIPS, CHIP_NAMES, chipOf } from '../drivers/chips.js';
import type { ChipName } from '../drivers/power-sensor.js';
import { SIMULATED_LINKS } from '../drivers/simulation/board-model.js';

/** Keys of every rail. */
function nameKey(description: string) {
  return z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,64}$/)
    .default('')
    .meta({ description });
}
const withinKey = z.string().nullable().default(null).meta({
  description:
    'rail that already contains this one, so that they are never summed (names of Jetson boards: known)',
});

/** A key of another kind of rail would be ignored in silence: say which kind has it. */
function foreignKey(label: string) {
  return (issue: { code?: string; keys?: unknown }): string | undefined => {
    if (issue.code !== 'unrecognized_keys' || !Array.isArray(issue.keys)) return undefined;
    return `${label} has no key ${issue.keys.join(', ')}; a sensor chip is chosen by its kind (${CHIP_NAMES.join(', ')})`;
  };
}

const KERNEL_KINDS = ['auto', 'hwmon', 'iio'] as const;

/** A rail that the kernel measures. */
const kernelRailSchema = z.strictObject(
  {
    kind: z
      .enum(KERNEL_KINDS)
      .default('auto')
      .meta({ description: 'a rail the kernel measures, or auto: every rail the kernel has' }),
    name: nameKey('name of the rail in messages, and the label to look for (empty: all of them)'),
    rateHz: z.number().positive().max(3571).nullable().default(null).meta({
      description: 'samples per second; default 10',
      unit: 'Hz',
    }),
    within: withinKey,
  },
  { error: foreignKey('a rail of the kernel') },
);

/** A rail behind a chip on an I2C bus: what all chips have, and the chip's own keys. */
function chipRailSchema<Name extends ChipName, Keys extends z.ZodRawShape>(chip: PowerChip<Name, Keys>) {
  const { first, last, usual } = chip.addresses;
  return z.strictObject(
    {
      kind: z.literal(chip.name).meta({ description: `the chip: ${chip.label} over I2C` }),
      name: nameKey('name of the rail in messages (empty: made of chip, bus and address)'),
      bus: z
        .union([z.int().min(0), z.string()])
        .default(1)
        .meta({
          description:
            'I2C bus: its number, or its controller such as c240000.i2c (numbers move between kernels)',
        }),
      address: z
        .int()
        .min(first)
        .max(last)
        .default(usual)
        .meta({
          description: `I2C address, ${hex(first)} to ${hex(last)} (0x40 to 0x43 of the TX2 bus 0 are its own)`,
        }),
      rateHz: z
        .number()
        .positive()
        .max(chip.rateHz.most)
        .nullable()
        .default(null)
        .meta({
          description: `samples per second; default ${chip.rateHz.usual}`,
          unit: 'Hz',
        }),
      within: withinKey,
      ...chip.keys(z),
    },
    { error: foreignKey(`an ${chip.label}`) },
  );
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

type ChipRailSchema<Name extends ChipName> = ReturnType<
  typeof chipRailSchema<Name, ReturnType<(typeof CHIPS)[Name]['keys']>>
>;
type AnyChipRailSchema = { [Name in ChipName]: ChipRailSchema<Name> }[ChipName];

/** Schemas by the kind of a rail; `kernel` stands for `auto`, `hwmon` and `iio`. */
export const RAIL_SCHEMAS = {
  kernel: kernelRailSchema,
  chips: CHIP_NAMES.map((name): unknown => chipRailSchema(chipOf(name))) as AnyChipRailSchema[],
};

export const railSchema = z.discriminatedUnion('kind', [RAIL_SCHEMAS.kernel, ...RAIL_SCHEMAS.chips], {
  error: ({ code }) =>
    code === 'invalid_union' ? `choose one of ${[...KERNEL_KINDS, ...CHIP_NAMES].join(', ')}` : undefined,
});

const idleSchema = z.strictObject({
  powerW: z.number().min(0).nullable().default(null).meta({
    description: 'idle power that net energy is net of; null: learned while no frame is in work',
    unit: 'W',
  }),
  settleMs: z
    .number()
    .min(0)
    .default(200)
    .meta({ description: 'time after the last frame before idle power is learned again', unit: 'ms' }),
  windowMs: z
    .number()
    .positive()
    .default(10_000)
    .meta({ description: 'time constant of the learned idle power', unit: 'ms' }),
});

export const powerConfigSchema = z.strictObject({
  simulate: z.boolean().default(false).meta({
    description:
      'replace every rail by a simulated one driven by a power model; all that follows says simulated',
  }),
  simulatedLink: z.enum(SIMULATED_LINKS).default('wifi').meta({
    description: 'link whose energy simulated rails draw for the bytes of offloaded frames',
  }),
  rails: z
    .array(railSchema)
    .default([])
    .meta({ description: 'rails to measure; none: energies are null and health says so' }),
  sum: z.array(z.string()).default([]).meta({
    description:
      "rails whose sum is the power of the device; empty: sensor chips that no other contains, else the board's whole",
  }),
  busHz: z.number().positive().nullable().default(null).meta({
    description: 'I2C clock; null: what the kernel says, and 100 kHz where it says nothing',
    unit: 'Hz',
  }),
  gapPeriods: z.number().min(2).default(10).meta({
    description: 'missing samples in a row that make a gap',
  }),
  bridgeMs: z.number().min(0).max(1000).default(40).meta({
    description:
      'longest gap that is bridged by the samples before and after it (frames in it are marked); nothing is assumed about the time in a longer one',
    unit: 'ms',
  }),
  coarseSamples: z.int().min(1).default(5).meta({
    description: 'frames with fewer samples in their window are marked coarse',
  }),
  finishMs: z.number().min(1).max(200).default(45).meta({
    description: 'longest wait for the last samples of a frame; then its energy is null',
    unit: 'ms',
  }),
  recordFile: z.string().nullable().default(null).meta({
    description:
      'CSV file that gets every single sample, as of `edgemux power --record`; it grows by 60 bytes a sample',
  }),
  idle: idleSchema.prefault({}).meta({ description: 'the idle baseline' }),
});

export type PowerConfig = z.output<typeof powerConfigSchema>;
export type RailConfig = PowerConfig['rails'][number];
export type KernelRailConfig = z.output<typeof kernelRailSchema>;
export type ChipRailConfig = Exclude<RailConfig, KernelRailConfig>;

/** Whether a rail is behind a chip that edgemux reads itself. */
export function isChipRail(rail: RailConfig): rail is ChipRailConfig {
  return rail.kind in CHIPS;
}
