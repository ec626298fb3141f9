import { z } from 'zod';
import { amount, carriesError, check, finite, invalidMessage, readJson, text } from './json.js';

/** How far the probabilities of an answer may be from a sum of 1 (rounding of many classes). */
export const PROBABILITY_SUM_TOLERANCE = 0.02;
/** How far one probability may leave [0, 1] (32-bit softmax). */
const PROBABILITY_SLACK = 1e-6;
const ANSWER_OVERHEAD_BYTES = 16 * 1024;
const BYTES_PER_CLASS = 32;

/** A server's answer to one request. */
export const answerSchema = z.object({
  frameId: text,
  server: text,
  zooHash: text,
  /** The models that were run. */
  models: z.array(text).min(1).max(64),
  /** The mux's weight of each model, where the server asked one. */
  weights: z.record(z.string().max(256), finite).default({}),
  classIndex: z.int().min(0),
  label: text,
  probabilities: z.array(finite).min(1),
  /** On the server's own clock. `residence` is from receipt to publication of the answer. */
  latencyMs: z.object({ residence: amount, queue: amount, decode: amount, mux: amount, inference: amount }),
  batchSize: z.int().min(1).default(1),
});
export type Answer = z.infer<typeof answerSchema>;

/** A server's refusal of one request: `code` is one of the project's error codes. */
export const errorAnswerSchema = z.object({
  frameId: text,
  server: text.optional(),
  error: z.object({ code: text, message: z.string().max(4096) }),
});
export type ErrorAnswer = z.infer<typeof errorAnswerSchema>;

export interface ExpectedAnswer {
  frameId: string;
  /** Number of classes of the zoo. */
  classes: number;
  /** When given, an answer computed with another zoo is refused. */
  zooHash?: string | undefined;
  /** When given, what the server on whose topic the answer came has announced; it speaks for nobody else. */
  server?: { name: string; models: readonly string[] } | undefined;
  /** When given, the names of the classes. */
  labels?: readonly string[] | undefined;
  /** Since the request was sent, in ms on our own clock; when given, no time on the server is longer. */
  roundTripMs?: number | undefined;
}

/** Clocks of two machines run a little differently, and timers end when they end. */
const TIME_SLACK = { share: 0.02, ms: 5 };

/** True where the server refused. */
export function isErrorAnswer(answer: Answer | ErrorAnswer): answer is ErrorAnswer {
  return 'error' in answer;
}

/** The largest answer a device reads for a zoo of `classes` classes, in bytes. */
export function maxAnswerBytes(classes: number): number {
  return ANSWER_OVERHEAD_BYTES + BYTES_PER_CLASS * classes;
}

/**
 * Reads and distrusts an answer: it must be for this frame and this zoo, and carry one finite probability in
 * [0, 1] per class, together about 1, with `classIndex` at the highest. Names have to be those that its server announced,
 * and times such that they fit into the round trip.
 * @throws MESSAGE_INVALID saying what is wrong (the device counts it as `bad-answer`)
 */
export function parseAnswer(payload: Uint8Array, expect: ExpectedAnswer): Answer | ErrorAnswer {
  const value = readJson('answer', payload, maxAnswerBytes(expect.classes));
  const answer = carriesError(value)
    ? check('error answer', errorAnswerSchema, value)
    : check('answer', answerSchema, value);
  if (answer.frameId !== expect.frameId) {
    throw invalidMessage(
      'answer',
      `it is for frame ${JSON.stringify(answer.frameId)}, not ${expect.frameId}`,
    );
  }
  const { name } = expect.server ?? {};
  if (name !== undefined && answer.server !== undefined && answer.server !== name)
    throw invalidMessage(
      'answer',
      `it is signed ${JSON.stringify(answer.server)} and came on the topic of ${name}`,
    );
  if (isErrorAnswer(answer)) return answer;
  if (expect.zooHash !== undefined && answer.zooHash !== expect.zooHash) {
    throw invalidMessage('answer', `it was computed with zoo ${JSON.stringify(answer.zooHash)}, not ours`);
  }
  const wrong =
    wrongWithProbabilities(answer, expect.classes) ??
    wrongNames(answer, expect) ??
    wrongTimes(answer, expect);
  if (wrong !== null) throw invalidMessage('answer', wrong);
  return answer;
}

function wrongWithProbabilities(answer: Answer, classes: number): string | null {
  const { probabilities, classIndex } = answer;
  if (probabilities.length !== classes)
    return `it has ${probabilities.length} probabilities for ${classes} classes`;
  let sum = 0;
  let highest = -Infinity;
  for (const [index, probability] of probabilities.entries()) {
    if (!(probability >= -PROBABILITY_SLACK && probability <= 1 + PROBABILITY_SLACK)) {
      return `probabilities[${index}] is ${probability}, outside [0, 1]`;
    }
    sum += probability;
    if (probability > highest) highest = probability;
  }
  if (sum === 0) return 'all its probabilities are 0';
  if (Math.abs(sum - 1) > PROBABILITY_SUM_TOLERANCE) return `its probabilities sum to ${sum}, not to 1`;
  const claimed = probabilities[classIndex];
  if (claimed === undefined) return `classIndex ${classIndex} is not one of ${classes} classes`;
  return claimed < highest ? `classIndex ${classIndex} is not the most probable class` : null;
}

function wrongNames(
  { classIndex, label, models, weights }: Answer,
  { labels, server }: ExpectedAnswer,
): string | null {
  const strange = [...models, ...Object.keys(weights)].find((id) => server && !server.models.includes(id));
  if (strange !== undefined)
    return `its server has announced no model ${JSON.stringify(strange.slice(0, 80))}`;
  if (labels === undefined || labels[classIndex] === label) return null;
  return `class ${classIndex} is called ${JSON.stringify(labels[classIndex])}, not ${JSON.stringify(label.slice(0, 80))}`;
}

function wrongTimes({ latencyMs }: Answer, { roundTripMs = Infinity }: ExpectedAnswer): string | null {
  const { residence } = latencyMs;
  const withSlack = (ms: number): number => ms * (1 + TIME_SLACK.share) + TIME_SLACK.ms;
  if (residence > withSlack(roundTripMs))
    return `its server had it for ${residence} ms of a round trip of ${roundTripMs.toFixed(1)} ms`;
  for (const [stage, ms] of Object.entries(latencyMs))
    if (ms > withSlack(residence)) return `latencyMs.${stage} is ${ms} ms of a residence of ${residence} ms`;
  return null;
}
