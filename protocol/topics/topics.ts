/**
 * Every topic of the MQTT contract: who builds it, who subscribes to it, who reads it back.
 *
 * Builders refuse what cannot stand in a topic (TOPIC_INVALID). Parsers answer `null` to whatever is not
 * exactly the topic they read: topics come from the network, so nonsense is expected and never thrown.
 */
import { EdgemuxError } from '../../common/errors.js';
import {
  assertBase,
  assertDeviceName,
  assertName,
  assertServerName,
  isDeviceName,
  isName,
  isServerName,
} from './names.js';

export { CameraPatterns } from './camera-patterns.js';
export {
  ANY_SERVER,
  assertBase,
  assertDeviceName,
  assertName,
  isName,
  RESERVED_DEVICE_NAMES,
} from './names.js';

/** Budget in ms and, of a prepared picture, how it was prepared. */
const LAST_LEVEL = /^([1-9][0-9]{0,6})(?:-(stretch|crop|letterbox)-([1-9][0-9]{0,3})x([1-9][0-9]{0,3}))?$/;
/** Longest budget a request may name, in milliseconds: one hour. */
export const MAX_BUDGET_MS = 3_600_000;

export interface DeviceTopics {
  /** JSON result of one frame of a camera. QoS 1. */
  result(camera: string): string;
  /** `online`/`offline`, retained, also the last will. */
  status: string;
  /** JSON state, retained. */
  state: string;
  /** JSON per rail, every second. QoS 0. */
  power: string;
  /** The policy in force or the last patch's error, retained. */
  policy: string;
  /** Patches of the policy, in. */
  policySet: string;
  /** Subscription filter for the answers to this device; each server has a topic of its own in it. */
  answers: string;
}

/** The topics of one device. */
export function deviceTopics(base: string, device: string): DeviceTopics {
  const root = `${assertBase(base)}/${assertDeviceName(device)}`;
  return {
    result: (camera) => `${root}/result/${assertName('camera', camera)}`,
    status: `${root}/status`,
    state: `${root}/state`,
    power: `${root}/power`,
    policy: `${root}/policy`,
    policySet: `${root}/policy/set`,
    answers: `${base}/answer/+/${device}/+`,
  };
}

export interface ServerTopics {
  /** JSON status, retained; the last will is `{"state":"offline"}`. */
  status: string;
  policy: string;
  policySet: string;
}

/** The topics of one server. */
export function serverTopics(base: string, server: string): ServerTopics {
  const root = `${assertBase(base)}/cloud/${assertServerName(server)}`;
  return { status: `${root}/status`, policy: `${root}/policy`, policySet: `${root}/policy/set` };
}

/** Filter that sees the status of every server below `base`. */
export function cloudStatusFilter(base: string): string {
  return `${assertBase(base)}/cloud/+/status`;
}

/** Filter that sees the status of every device below `base`. */
export function deviceStatusFilter(base: string): string {
  return `${assertBase(base)}/+/status`;
}

/** The server whose status topic this is, or `null`. */
export function parseCloudStatusTopic(base: string, topic: string): string | null {
  const levels = below(`${base}/cloud/`, topic);
  if (levels === null || levels.length !== 2 || levels[1] !== 'status') return null;
  return isServerName(levels[0]) ? levels[0] : null;
}

/** How a device prepared the picture that it sends: as the zoo's networks of this `fit` see it, at this size in pixels. */
export interface PreparedPicture {
  fit: 'stretch' | 'crop' | 'letterbox';
  width: number;
  height: number;
}

export interface OffloadTopic {
  /** Who is asked: a server, or `ANY_SERVER`. Null: devices of protocol 1 (edgemux 0.1.0) asked all servers of a zoo at once. */
  server: string | null;
  zoo: string;
  device: string;
  frameId: string;
  /** What the request may cost, counted from the server's receipt on the server's own monotonic clock. */
  budgetMs: number;
  /** null: nothing is said, the picture is as its camera made it. */
  prepared: PreparedPicture | null;
}

/**
 * `<base>/offload/<server>/<zoo>/<device>/<frameId>/<budgetMs>`, or `…/<budgetMs>-<fit>-<width>x<height>`; the budget is
 * rounded down to whole milliseconds. Without `<server>` it is a request of protocol 1.
 */
export function offloadTopic(base: string, request: OffloadTopic): string {
  const { budgetMs, device, frameId, prepared, zoo } = request;
  const wholeMs = Math.floor(budgetMs);
  if (!(wholeMs >= 1 && wholeMs <= MAX_BUDGET_MS)) {
    throw new EdgemuxError('TOPIC_INVALID', `budgetMs ${budgetMs} is not within 1 and ${MAX_BUDGET_MS} ms`, {
      details: { key: 'budgetMs', value: budgetMs },
    });
  }
  const names = `${assertName('zoo', zoo)}/${assertDeviceName(device)}/${assertName('frameId', frameId)}`;
  const said = prepared ? `-${prepared.fit}-${prepared.width}x${prepared.height}` : '';
  return `${assertBase(base)}/offload/${serverLevel(request.server)}${names}/${wholeMs}${said}`;
}

/** The request that a topic announces, or `null` where the topic is not one. */
export function parseOffloadTopic(base: string, topic: string): OffloadTopic | null {
  const levels = below(`${base}/offload/`, topic);
  if (levels === null || levels.length < 4 || levels.length > 5) return null;
  const server = levels.length === 5 ? nameAt(levels, 0) : null;
  if (levels.length === 5 && server === null) return null;
  const [zoo, device, frameId] = [nameAt(levels, -4), deviceAt(levels, -3), nameAt(levels, -2)];
  const last = LAST_LEVEL.exec(levels.at(-1) ?? '');
  if (zoo === null || device === null || frameId === null || !last) return null;
  const [, budget, fit, width, height] = last;
  const budgetMs = Number(budget);
  if (budgetMs > MAX_BUDGET_MS) return null;
  const prepared =
    fit === undefined
      ? null
      : { fit: fit as PreparedPicture['fit'], width: Number(width), height: Number(height) };
  return { server, zoo, device, frameId, budgetMs, prepared };
}

/** Filter for the requests of all devices for `zoo` that a server is asked; null: as devices of protocol 1 ask. */
export function offloadFilter(base: string, server: string | null, zoo: string): string {
  return `${assertBase(base)}/offload/${serverLevel(server)}${assertName('zoo', zoo)}/+/+/+`;
}

/** `$share/<group>/<filter>`: each message goes to one member of the group. Needs a broker that delivers it. */
export function sharedFilter(group: string, filter: string): string {
  return `$share/${assertName('group', group)}/${filter}`;
}

export interface AnswerTopic {
  /** Who answers. Null: an answer of protocol 1, which does not say. */
  server: string | null;
  device: string;
  frameId: string;
}

/** `<base>/answer/<server>/<device>/<frameId>`; without `<server>` the answer is one of protocol 1. */
export function answerTopic(base: string, { server, device, frameId }: AnswerTopic): string {
  const names = `${assertDeviceName(device)}/${assertName('frameId', frameId)}`;
  return `${assertBase(base)}/answer/${server === null ? '' : `${assertServerName(server)}/`}${names}`;
}

/** Who answers which frame of which device, or `null` where the topic is not an answer's. */
export function parseAnswerTopic(base: string, topic: string): AnswerTopic | null {
  const levels = below(`${base}/answer/`, topic);
  if (levels === null || levels.length < 2 || levels.length > 3) return null;
  const server = levels.length === 3 ? levels[0] : null;
  const [device, frameId] = [deviceAt(levels, -2), nameAt(levels, -1)];
  if (device === null || frameId === null || (server !== null && !isServerName(server))) return null;
  return { server, device, frameId };
}

function serverLevel(server: string | null): string {
  return server === null ? '' : `${assertName('server', server)}/`;
}

function below(prefix: string, topic: string): string[] | null {
  return topic.startsWith(prefix) ? topic.slice(prefix.length).split('/') : null;
}

function nameAt(levels: string[], index: number): string | null {
  const level = levels.at(index);
  return isName(level) ? level : null;
}

function deviceAt(levels: string[], index: number): string | null {
  const level = levels.at(index);
  return isDeviceName(level) ? level : null;
}
