/** Settings of the power rails and of the energy per frame: the one place for their types, defaults and units. */
import { z } from 'zod';

export const railSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,64}$/)
    .default('')
    .meta({
      description:
        'name of the rail in messages; for kernel rails also the label to look for (empty: all of them)',
    }),
  kind: z
    .enum(['ina226', 'hwmon', 'iio', 'auto'])
    .default('auto')
    .meta({ description: 'INA226 over I2C, a rail the kernel measures, or auto: every rail the kernel has' }),
  bus: z
    .union([z.int().min(0), z.string()])
    .default(1)
    .meta({
      description:
        'I2C bus: its number, or its controller such as c240000.i2c (numbers move between kernels)',
    }),
  address: z.int().min(0x40).max(0x4f).default(0x44).meta({
    description: 'I2C address of the INA226, 0x40 to 0x4f (0x40 to 0x43 of the TX2 bus 0 are its own)',
  }),
  shuntOhms: z
    .number()
    .positive()
    .max(100)
    .nullable()
    .default(null)
    .meta({ description: 'shunt resistor; an INA226 needs it, there is no safe default', unit: 'ohm' }),
  maxCurrentA: z.number().positive().nullable().default(null).meta({
    description: 'largest expected current; refused where the shunt would clip below it',
    unit: 'A',
  }),
  mode: z.enum(['continuous', 'triggered']).default('continuous').meta({
    description:
      'free-running conversions, or one conversion started by each sample (costs one more transfer)',
  }),
  averaging: z
    .union([z.literal('auto'), z.literal([1, 4, 16, 64, 128, 256, 512, 1024])])
    .default('auto')
    .meta({ description: 'conversions averaged in the chip; auto: as long as a sample period allows' }),
  shuntConversionUs: z
    .union([z.literal('auto'), z.literal([140, 204, 332, 588, 1100, 2116, 4156, 8244])])
    .default('auto')
    .meta({ description: 'shunt conversion time', unit: 'us' }),
  busConversionUs: z
    .union([z.literal('auto'), z.literal([140, 204, 332, 588, 1100, 2116, 4156, 8244])])
    .default('auto')
    .meta({ description: 'bus conversion time', unit: 'us' }),
  rateHz: z.number().positive().max(3571).nullable().default(null).meta({
    description: 'samples per second; default 1000 for an INA226, 10 for a kernel rail',
    unit: 'Hz',
  }),
  alert: z.string().nullable().default(null).meta({
    description: "limit at which an INA226 pulls its ALERT pin, such as '>7W', '>2A' or '<11.5V'",
  }),
  within: z.string().nullable().default(null).meta({
    description:
      'rail that already contains this one, so that they are never summed (names of Jetson boards: known)',
  }),
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
  rails: z
    .array(railSchema)
    .default([])
    .meta({ description: 'rails to measure; none: energies are null and health says so' }),
  sum: z.array(z.string()).default([]).meta({
    description:
      'rails whose sum is the power of the device; empty: the rails that no other measured rail contains',
  }),
  busHz: z.number().positive().nullable().default(null).meta({
    description: 'I2C clock; null: what the kernel says, and 100 kHz where it says nothing',
    unit: 'Hz',
  }),
  gapPeriods: z.number().min(2).default(10).meta({
    description: 'missing samples in a row that make a gap; nothing is assumed about the time in a gap',
  }),
  coarseSamples: z.int().min(1).default(5).meta({
    description: 'frames with fewer samples in their window are marked coarse',
  }),
  finishMs: z.number().min(1).max(20).default(18).meta({
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
