import { EdgemuxError } from '../common/errors.js';
import { ownBytes } from '../common/own-bytes.js';
import { isCostly } from '../mux/image/decode-cost.js';
import { checkImage, type ImageLimits } from '../mux/image/image-check.js';
import { unwrapImage } from '../mux/image/unwrap.js';
import type { Message } from '../protocol/messages/message.js';
import {
  ANY_SERVER,
  answerTopic,
  parseAnswerTopic,
  parseOffloadTopic,
  type PreparedPicture,
} from '../protocol/topics/topics.js';
import type { Work } from './fair-queue.js';

/** An offload request, with what the server needs to answer it. */
export interface Request {
  frameId: string;
  device: string;
  /** `direct`: to this server; `shared`: to any of its group; `legacy`: of a device of protocol 1. */
  asked: 'direct' | 'shared' | 'legacy';
  payload: Uint8Array;
  /** How the device prepared the picture; null where it says nothing. */
  prepared: PreparedPicture | null;
  /** Where the answer goes. */
  topic: string;
  correlationData: Uint8Array | null;
  /** Server's monotonic clock. */
  receivedMs: number;
  /** After this nobody waits any more. */
  expiresMs: number;
}

/** A request whose image would be decoded, as far as its header says. */
export interface CheckedRequest extends Request {
  work: Work;
}

/** Addresses a request: null where topic, server or zoo are not ours, so that nobody can be answered. */
export function addressRequest(
  { base, server, zoo }: { base: string; server: string; zoo: string },
  message: Message,
  nowMs: number,
): Request | null {
  const address = parseOffloadTopic(base, message.topic);
  if (!address || address.zoo !== zoo) return null;
  const { device, frameId } = address;
  if (address.server !== null && address.server !== server && address.server !== ANY_SERVER) return null;
  const asked = address.server === null ? 'legacy' : address.server === server ? 'direct' : 'shared';
  return {
    frameId,
    device,
    asked,
    payload: message.payload,
    prepared: address.prepared,
    topic: answerTopic(base, { server: asked === 'legacy' ? null : server, device, frameId }),
    correlationData: message.properties?.correlationData ?? null,
    receivedMs: nowMs,
    expiresMs: nowMs + address.budgetMs,
  };
}

/**
 * Grants a request's own response topic (MQTT 5) only where it is one more name below
 * this server's answers to the requesting device, so that nobody can make a server publish elsewhere, nor on a topic for
 * which the broker would hang up on it. @throws EdgemuxError REQUEST_REFUSED
 */
export function grantResponseTopic(base: string, request: Request, message: Message): Request {
  const wanted = message.properties?.responseTopic;
  if (wanted === undefined || wanted === request.topic) return request;
  const own = request.topic.slice(0, request.topic.lastIndexOf('/') + 1);
  if (!wanted.startsWith(own) || parseAnswerTopic(base, wanted)?.device !== request.device)
    throw new EdgemuxError('REQUEST_REFUSED', `answers to this request go to ${own}<name> only`);
  return { ...request, topic: wanted };
}

/** Undoes base64 and checks size and type. @throws EdgemuxError IMAGE_* */
export function checkRequestImage(request: Request, limits: ImageLimits): CheckedRequest {
  const payload = ownBytes(unwrapImage(request.payload, limits));
  const { decodeMs } = checkImage(payload, limits);
  return { ...request, payload, work: { decodeMs, costly: isCostly(decodeMs) } };
}
