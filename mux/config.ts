/** The `inference` section of the configuration, the same for device and server. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Folder of the zoo that comes with the package; dist/mux lies two folders below it. */
export const SHIPPED_ZOO = fileURLToPath(new URL('../../models/fashion-mnist', import.meta.url));

/** Execution providers of ONNX Runtime that we know how to ask for and to prove. */
export const PROVIDERS = ['tensorrt', 'cuda', 'cpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

export const inferenceSchema = z.strictObject({
  providers: z.array(z.enum(PROVIDERS)).min(1).default(['cuda', 'cpu']).meta({
    description: 'execution providers in the order in which they are tried; each must prove itself',
  }),
  requireProvider: z.boolean().default(false).meta({
    description: 'refuse to start when the first provider does not work, instead of taking the next',
  }),
  deviceId: z
    .number()
    .int()
    .min(0)
    .max(15)
    .default(0)
    .meta({ description: 'which GPU, for cuda and tensorrt' }),
  threads: z.number().int().min(0).max(256).default(0).meta({
    unit: 'threads',
    description: "threads inside one CPU run; 0 = ONNX Runtime's choice, the cores",
  }),
  runTimeoutS: z.number().min(0.1).max(3600).default(10).meta({
    unit: 's',
    description: 'a worker whose run has not come back after so long is replaced, its frames count as failed',
  }),
  warmupRuns: z
    .number()
    .int()
    .min(3)
    .max(1000)
    .default(5)
    .meta({ unit: 'runs', description: 'runs of each model that a provider has to pass at start' }),
});
export type InferenceConfig = z.infer<typeof inferenceSchema>;
