/**
 * Every topic of the MQTT contract: who builds it, who subscribes to it, who reads it back.
 *
 * Builders refuse what cannot stand in a topic (TOPIC_INVALID). Parsers answer `null` to whatever is not
 * exactly the topic they read: topics come from the network, so nonsense is expected and never thrown.
 */
import { EdgemuxError } from '../../common/errors.js';
import { assertBase, assertDeviceName, assertName, isDeviceName, isName } from './names.js';

export { CameraPatterns } from './camera-patterns.js';
export { assertBase, assertDeviceName, assertName, isName, RESERVED_DEVICE_NAMES } from './names.js';

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
  /** Subscription filter for the answers of all servers to this device. */
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
    answers: `${base}/answer/${device}/+`,
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
  const root = `${assertBase(base)}/cloud/${assertName('server', server)}`;
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
  return nameAt(levels, 0);
}

/** How a device prepared the picture that it sends: as the zoo's networks of this `fit` see it, at this size in pixels. */
export interface PreparedPicture {
  fit: 'stretch' | 'crop' | 'letterbox';
  width: number;
  height: number;
}

export interface OffloadTopic {
  zoo: string;
  device: string;
  frameId: string;
  /** What the request may cost, counted from the server's receipt on the server's own monotonic clock. */
  budgetMs: number;
  /** null: nothing is said, the picture is as its camera made it. */
  prepared: PreparedPicture | null;
}

/**
 * `<base>/offload/<zoo>/<device>/<frameId>/<budgetMs>`, or `…/<budgetMs>-<fit>-<width>x<height>`; the budget is rounded
 * down to whole milliseconds.
 */
export function offloadTopic(
  base: string,
  zoo: string,
  device: string,
  frameId: string,
  budgetMs: number,
  prepared: PreparedPicture | null = null,
): string {
  const wholeMs = Math.floor(budgetMs);
  if (!(wholeMs >= 1 && wholeMs <= MAX_BUDGET_MS)) {
    throw new EdgemuxError('TOPIC_INVALID', `budgetMs ${budgetMs} is not within 1 and ${MAX_BUDGET_MS} ms`, {
      details: { key: 'budgetMs', value: budgetMs },
    });
  }
  const names = `${assertName('zoo', zoo)}/${assertDeviceName(device)}/${assertName('frameId', frameId)}`;
  const said = prepared ? `-${prepared.fit}-${prepared.width}x${prepared.height}` : '';
  return `${assertBase(base)}/offload/${names}/${wholeMs}${said}`;
}

/** The request that a topic announces, or `null` where the topic is not one. */
export function parseOffloadTopic(base: string, topic: string): OffloadTopic | null {
  const levels = below(`${base}/offload/`, topic);
  if (levels === null || levels.length !== 4) return null;
  const [zoo, device, frameId] = [nameAt(levels, 0), deviceAt(levels, 1), nameAt(levels, 2)];
  const last = LAST_LEVEL.exec(levels[3] ?? '');
  if (zoo === null || device === null || frameId === null || !last) return null;
  const [, budget, fit, width, height] = last;
  const budgetMs = Number(budget);
  if (budgetMs > MAX_BUDGET_MS) return null;
  const prepared =
    fit === undefined
      ? null
      : { fit: fit as PreparedPicture['fit'], width: Number(width), height: Number(height) };
  return { zoo, device, frameId, budgetMs, prepared };
}

/** Filter of a server for the requests of all devices for `zoo` (without the share: see `sharedFilter`). */
export function offloadFilter(base: string, zoo: string): string {
  return `${assertBase(base)}/offload/${assertName('zoo', zoo)}/+/+/+`;
}

/** `$share/<group>/<filter>`: each message goes to one member of the group. Needs a broker that delivers it. */
export function sharedFilter(group: string, filter: string): string {
  return `$share/${assertName('group', group)}/${filter}`;
}

/** `<base>/answer/<device>/<frameId>` */
export function answerTopic(base: string, device: string, frameId: string): string {
  return `${assertBase(base)}/answer/${assertDeviceName(device)}/${assertName('frameId', frameId)}`;
}

/** The device and frame that an answer is for, or `null` where the topic is not an answer's. */
export function parseAnswerTopic(base: string, topic: string): { device: string; frameId: string } | null {
  const levels = below(`${base}/answer/`, topic);
  if (levels === null || levels.length !== 2) return null;
  const [device, frameId] = [deviceAt(levels, 0), nameAt(levels, 1)];
  return device === null || frameId === null ? null : { device, frameId };
}

function below(prefix: string, topic: string): string[] | null {
  return topic.startsWith(prefix) ? topic.slice(prefix.length).split('/') : null;
}

function nameAt(levels: string[], index: number): string | null {
  const level = levels[index];
  return isName(level) ? level : null;
}

function deviceAt(levels: string[], index: number): string | null {
  const level = levels[index];
  return isDeviceName(level) ? level : null;
}
