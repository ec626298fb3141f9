import type { ImageType } from '../../mux/image/formats/format.js';
import type { PictureShare } from '../../mux/image/part.js';
import type { FrameMeter } from '../../energy/meter.js';

/** A part of a camera's picture that is a frame of its own (`cameras.regions`). */
export interface Region extends PictureShare {
  name: string;
}

/** An admitted frame on its way through the pipeline. */
export interface Frame {
  frameId: string;
  camera: string;
  /** null: the whole picture. */
  region: Region | null;
  /** The encoded image as the camera sent it. */
  payload: Uint8Array;
  /** SHA-256 of the payload in hex; computed while the decoder works. */
  sha256: string | null;
  imageType: ImageType;
  /** Processor time that decoding is expected to take, in ms (`mux/image/decode-cost.ts`); of a picture with regions, a region's part. */
  decodeMs: number;
  /** No two such are decoded at a time. */
  costly: boolean;
  /** Known once it is decoded: a part of the picture was missing or broken. */
  damaged: boolean;
  /** Wall clock, ms since the epoch: the camera's own stamp, else the admission less what the picture is known to have waited. */
  capturedAtMs: number;
  /** Age of the picture at admission, in ms: by the camera's stamp, and at least what is known of its way here. */
  ageMs: number;
  /** How long it may have lain here unread before its admission, in ms: its deadline ran then. */
  unreadMs: number;
  /** How long it waited on the line from the broker, in ms. */
  lineMs: number;
  /** Monotonic clock at admission; latencies count from here. */
  admittedMs: number;
  /** Monotonic clock when decoding began. */
  startedMs: number;
  meter: FrameMeter;
}

/** The stages of a frame's latency in ms, as they stand in its result. */
export interface StageLatenciesMs {
  total: number;
  queue: number;
  decode: number;
  mux: number;
  local: number;
  encode: number;
  network: number;
  cloud: number;
}

export function noLatencies(): StageLatenciesMs {
  return { total: 0, queue: 0, decode: 0, mux: 0, local: 0, encode: 0, network: 0, cloud: 0 };
}
