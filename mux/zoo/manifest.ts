/**
 * `models/<zoo>/manifest.json`: what a zoo is made of, checked before anything in it is trusted.
 *
 * The trainer writes it and this side reads it; the two meet nowhere else. FLOPs are multiply-accumulates per
 * image, as the paper counts them; accuracies and AUROC are shares in [0, 1] on the test images.
 */
import { z } from 'zod';
import { EdgemuxError } from '../../common/errors.js';
import { packageVersion } from '../../common/version.js';
import {
  groupCalibrationSchema,
  groupContradictions,
  type GroupCalibration,
} from '../rules/group-settings.js';
import { GATE_FEATURES } from '../rules/gate.js';
import { deviceModeSchema, thresholdsSchema } from '../rules/policy-settings.js';
import { FITS, KERNELS, type InputEntry } from './input.js';

const SHA256 = /^[0-9a-f]{64}$/;
/** Path segments of plain characters below the zoo's folder: no `..`, no leading slash or dot, no backslash. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Version 1 knows one input for all networks, and no `fit`. */
const VERSIONS = [1, 2] as const;

const share = z.number().min(0).max(1);
const id = z.string().regex(ID, 'must be 1-64 characters of A-Za-z0-9._-');

const fileSchema = z.strictObject({
  file: z.string().max(255).regex(FILE_NAME, 'must be a path inside the zoo folder'),
  sha256: z.string().regex(SHA256, 'must be 64 lower-case hexadecimal digits'),
  bytes: z.int().positive(),
});

const inputSchema: z.ZodType<InputEntry> = z.strictObject({
  height: z.int().min(1).max(4096),
  width: z.int().min(1).max(4096),
  channels: z.union([z.literal(1), z.literal(3)]),
  layout: z.literal('NHWC'),
  dtype: z.literal('uint8'),
  fit: z.enum(FITS).exactOptional(),
  share: z.number().gt(0).max(1).exactOptional(),
  kernel: z.enum(KERNELS).exactOptional(),
});

/** What a file asks of the ONNX Runtime that loads it. */
const needsSchema = z.strictObject({ opset: z.int().positive(), ir: z.int().positive() });

/** A network's file, what it takes where that is not what the others take, and what it needs: from version 2 on. */
const networkFileSchema = fileSchema.extend({
  input: inputSchema.optional(),
  needs: needsSchema.optional(),
  /** Files that hold weights of it (ONNX external data). */
  weights: z.array(fileSchema).max(1024).optional(),
});

const modelSchema = z.strictObject({
  id,
  ...networkFileSchema.shape,
  /** None for a model that only the evaluation runs. */
  roles: z.array(z.enum(['local', 'cloud', 'group'])),
  architecture: z.string().min(1),
  flops: z.number().positive(),
  accuracy: share.nullable(),
});

const muxSchema = z.strictObject({
  ...networkFileSchema.shape,
  architecture: z.string().min(1),
  flops: z.number().positive(),
  accuracy: share.nullable(),
  auroc: share.nullable(),
});

const muxesSchema = z.strictObject({
  pair: muxSchema.optional(),
  group: muxSchema.extend({ models: z.array(id).min(2) }).optional(),
});

const numbers = (length?: number) =>
  length === undefined ? z.array(z.number()).min(1).max(1024) : z.array(z.number()).length(length);
/** See gate.ts. */
const gateSchema = z
  .looseObject({
    hidden: z.strictObject({ weights: z.array(numbers(GATE_FEATURES)).min(1).max(1024), bias: numbers() }),
    heads: z.strictObject({ weights: z.array(numbers()).length(2), bias: numbers(2) }),
  })
  .refine(
    ({ hidden, heads }) =>
      [hidden.bias, ...heads.weights].every(({ length }) => length === hidden.weights.length),
    'hidden units, their biases and the weights of each head must be equally many',
  );

const manifestSchema = z
  .strictObject({
    schema: z.literal(VERSIONS),
    /** Stands in MQTT topics, hence the narrower alphabet. */
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 characters of A-Za-z0-9_-'),
    version: z.string().min(1),
    licence: z.string().min(1),
    /** Of every network that has none of its own, of the test set and of golden images. */
    input: inputSchema,
    /** By class index. Two classes may share a name, as two of ImageNet's do. */
    labels: z.array(z.string().min(1)).min(2),
    /** By class index, another name of each: WordNet's ids, by which ImageNet's folders are named. */
    classIds: z.array(z.string().min(1)).optional(),
    models: z.array(modelSchema).min(1),
    mux: muxesSchema.optional(),
    /** Muxes that other losses gave: the evaluation shows what they do, nothing decides by them. */
    ablations: z
      .array(z.strictObject({ name: z.string().min(1), notes: z.string(), mux: muxesSchema }))
      .optional(),
    policy: z.strictObject({
      mode: deviceModeSchema,
      thresholds: thresholdsSchema,
      gate: gateSchema.optional(),
      /** Free, except for `modes`, thresholds of other modes than the shipped one, and `group`, the server's policy. */
      calibration: z
        .looseObject({
          modes: z
            .partialRecord(deviceModeSchema, z.looseObject({ thresholds: thresholdsSchema }))
            .optional(),
          group: groupCalibrationSchema.optional(),
        })
        .optional(),
    }),
    golden: fileSchema.optional(),
    test: z.strictObject({ images: fileSchema, labels: fileSchema, count: z.int().positive() }).optional(),
    /** A list of labelled pictures that lie elsewhere: path and label. */
    testList: fileSchema.extend({ count: z.int().positive() }).optional(),
    training: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine((manifest, context) => {
    for (const [path, message] of contradictions(manifest)) {
      context.addIssue({ code: 'custom', path, message });
    }
  });

export type Manifest = z.infer<typeof manifestSchema>;
export type ZooFile = z.infer<typeof fileSchema>;
export type Needs = z.infer<typeof needsSchema>;
export type ModelEntry = z.infer<typeof modelSchema>;
export type MuxEntry = z.infer<typeof muxSchema>;

/** What no single key can show: ids twice, two local models, a group that names strangers. */
function contradictions(manifest: {
  schema: 1 | 2;
  input: InputEntry;
  labels: string[];
  classIds?: string[] | undefined;
  testList?: ZooFile | undefined;
  models: ModelEntry[];
  mux?: { pair?: MuxEntry | undefined; group?: (MuxEntry & { models: string[] }) | undefined } | undefined;
  policy: { calibration?: { group?: GroupCalibration | undefined } | undefined };
}): [(string | number)[], string][] {
  const found: [(string | number)[], string][] = manifest.schema === 1 ? newerKeys(manifest) : [];
  const ids = manifest.models.map((model) => model.id);
  ids.forEach((modelId, i) => {
    if (ids.indexOf(modelId) !== i) found.push([['models', i, 'id'], `'${modelId}' is used twice`]);
  });
  const { classIds, labels } = manifest;
  if (classIds && classIds.length !== labels.length)
    found.push([['classIds'], `${classIds.length} ids for ${labels.length} labels`]);
  const locals = manifest.models.filter((model) => model.roles.includes('local'));
  if (locals.length > 1) found.push([['models'], `only one model may have the role 'local'`]);
  manifest.mux?.group?.models.forEach((modelId, i) => {
    if (!ids.includes(modelId)) {
      found.push([['mux', 'group', 'models', i], `there is no model '${modelId}'`]);
    }
  });
  const calibrated = manifest.policy.calibration?.group;
  if (manifest.mux?.group && calibrated) found.push(...groupContradictions(manifest.mux.group, calibrated));
  return found;
}

/** What a manifest of version 1 cannot say: its readers would prepare other pixels than it means. */
function newerKeys({
  input,
  classIds,
  testList,
  models,
  mux,
}: Parameters<typeof contradictions>[0]): [(string | number)[], string][] {
  const networks: [(string | number)[], Partial<Pick<ModelEntry, 'input' | 'needs'>> | undefined][] = [
    ...models.map((model, i): [(string | number)[], ModelEntry] => [['models', i], model]),
    [['mux', 'pair'], mux?.pair],
    [['mux', 'group'], mux?.group],
  ];
  const paths = [
    ...(['fit', 'share', 'kernel'] as const).filter((key) => key in input).map((key) => ['input', key]),
    ...(classIds ? [['classIds']] : []),
    ...(testList ? [['testList']] : []),
    ...(['input', 'needs'] as const).flatMap((key) =>
      networks.filter(([, network]) => network?.[key] !== undefined).map(([path]) => [...path, key]),
    ),
  ];
  return paths.map((path) => [path, 'needs "schema": 2']);
}

/**
 * Checks the text of a manifest.
 *
 * @param source where the text came from, for the message
 * @throws EdgemuxError ZOO_INVALID naming every offending key
 */
export function parseManifest(text: string, source: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new EdgemuxError('ZOO_INVALID', `${source} is not JSON: ${String(cause)}`, { cause });
  }
  refuseUnknownVersion(json, source);
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${keyPath(issue.path)}: ${issue.message}`);
  throw new EdgemuxError('ZOO_INVALID', `${source}: ${problems.join('; ')}`, { details: { problems } });
}

/** Before anything else is said of it: the keys of a newer version mean nothing here. @throws EdgemuxError ZOO_INVALID */
function refuseUnknownVersion(json: unknown, source: string): void {
  const version = (json as { schema?: unknown } | null)?.schema;
  if (version === undefined || (VERSIONS as readonly unknown[]).includes(version)) return;
  throw new EdgemuxError(
    'ZOO_INVALID',
    `${source}: schema: ${JSON.stringify(version)} is none that this edgemux reads (${VERSIONS.join(', ')}): ` +
      `it is edgemux ${packageVersion()}, a newer one may read it`,
    { details: { problems: ['schema'] } },
  );
}

/** `['models', 0, 'sha256']` → `models[0].sha256`. */
export function keyPath(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || '(top level)';
}
