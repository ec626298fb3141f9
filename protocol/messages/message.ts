/** MQTT 5 properties that the contract uses. Over MQTT 3.1.1 they are not sent; no meaning depends on them. */
export interface MessageProperties {
  responseTopic?: string;
  correlationData?: Uint8Array;
  contentType?: string;
  /** Whole seconds after which the broker may drop the message. */
  messageExpiryS?: number;
  userProperties?: Record<string, string>;
}

/** A message that arrived. */
export interface Message {
  topic: string;
  payload: Uint8Array;
  retain: boolean;
  qos: 0 | 1 | 2;
  properties?: MessageProperties;
  /** Identifiers of the subscriptions that this copy is for, where the broker names them. */
  subscriptions?: readonly number[];
  /** How long it waited before it was read; absent where it did not, as far as can be told, or nobody asked for that. */
  waited?: Waited;
}

/** How long a message has waited before it was read, as far as its reader can tell by itself. */
export interface Waited {
  /** Between the broker and here, at least, in ms. */
  lineMs: number;
  /** While this program stood still (stopped, asleep, starved), at most, in ms. */
  stillMs: number;
}

export interface PublishOptions {
  /** 0 unless told. */
  qos?: 0 | 1;
  /** false unless told. */
  retain?: boolean;
  properties?: MessageProperties;
}

/** Size of a PUBLISH packet in bytes, exactly as it goes over the wire; `payloadBytes` is the payload alone. */
export function publishPacketBytes(
  version: 4 | 5,
  topic: string,
  payloadBytes: number,
  options: PublishOptions,
): number {
  const properties = version === 5 ? propertiesBytes(options.properties ?? {}) : 0;
  const remaining = textBytes(topic) + (options.qos === 1 ? 2 : 0) + properties + payloadBytes;
  return 1 + variableIntegerBytes(remaining) + remaining;
}

function propertiesBytes(properties: MessageProperties): number {
  const { responseTopic, correlationData, contentType, messageExpiryS, userProperties } = properties;
  let bytes = 0;
  if (responseTopic !== undefined) bytes += 1 + textBytes(responseTopic);
  if (correlationData !== undefined) bytes += 3 + correlationData.byteLength;
  if (contentType !== undefined) bytes += 1 + textBytes(contentType);
  if (messageExpiryS !== undefined) bytes += 5;
  for (const [key, value] of Object.entries(userProperties ?? {}))
    bytes += 1 + textBytes(key) + textBytes(value);
  return variableIntegerBytes(bytes) + bytes;
}

function textBytes(text: string): number {
  return 2 + Buffer.byteLength(text);
}

function variableIntegerBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

/** A payload as the MQTT client takes it; the bytes are not copied. */
export function bytesOf(payload: string | Uint8Array): Buffer {
  if (typeof payload === 'string') return Buffer.from(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
