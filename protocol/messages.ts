/**
 * The JSON messages of the MQTT contract: schemas, types, and the readers that validate what arrives.
 *
 * Readers tolerate fields they do not know (and drop them), so that later versions may add some. What a
 * person writes by hand (a policy patch) is held to the known fields instead, so that a slip is seen.
 */
export { encodeMessage, MAX_MESSAGE_BYTES } from './messages/json.js';
export * from './messages/answer.js';
export * from './messages/policy.js';
export * from './messages/result.js';
export * from './messages/server-status.js';
export * from './messages/state.js';
export { createFrameIds } from './messages/frame-ids.js';
