import type { Result } from '../../protocol/messages.js';

/** Cameras that are told apart; the frames of more come together under one name that no camera can have. */
export const MOST_CAMERAS = 64;
export const OTHER_CAMERAS = '(other)';
/** A camera that was silent for so long makes room for another. */
const FORGOTTEN_MS = 3_600_000;
/** A larger picture is not kept. */
const MOST_PICTURE_BYTES = 4 * 1024 * 1024;
/** Rates look back over so long. */
const RATE_MS = 10_000;

/** One camera, or region of one, as the page shows it. */
export interface CameraView {
  camera: string;
  region: string | null;
  results: number;
  /** Wall clock of the last result, in ms since the epoch. */
  lastMs: number;
  /** Results a second of late. */
  ratePerS: number;
  /** Gross energy of its frames since start; null where nothing measures. */
  energyJ: number | null;
  /** Whether the last picture was kept. */
  hasPicture: boolean;
  /** Null for the cameras that are not told apart. */
  last: Result | null;
}

/** What is kept of a camera. */
interface Kept extends CameraView {
  picture: Uint8Array | null;
  /** For the rate: results of the window before the one that began at `sinceMs`, and of this. */
  window: { sinceMs: number; before: number; now: number };
}

/** The last result of every camera, and how many there were: bounded, whatever names come. */
export class Cameras {
  readonly #kept = new Map<string, Kept>();
  #other: Kept | null = null;

  /** @param picture the encoded picture of the frame, null where it may not be kept */
  add(result: Result, nowMs: number, picture: Uint8Array | null): void {
    const camera = this.#of(result, nowMs);
    camera.results += 1;
    camera.lastMs = nowMs;
    count(camera.window, nowMs);
    const grossJ = result.energyJ?.gross;
    if (grossJ !== undefined) camera.energyJ = (camera.energyJ ?? 0) + grossJ;
    if (camera.camera === OTHER_CAMERAS) return;
    camera.last = result;
    camera.picture = picture !== null && picture.length <= MOST_PICTURE_BYTES ? picture : null;
  }

  views(nowMs: number): CameraView[] {
    const all = [...this.#kept.values(), ...(this.#other ? [this.#other] : [])];
    return all.map((kept) => {
      const { camera, energyJ, last, lastMs, picture, region, results, window } = kept;
      const ratePerS = rateOf(window, nowMs);
      return { camera, region, results, lastMs, ratePerS, energyJ, hasPicture: picture !== null, last };
    });
  }

  /** The last picture of a camera, or of a region of it; null: none is kept. */
  picture(camera: string, region: string | null): Uint8Array | null {
    return this.#kept.get(keyOf(camera, region))?.picture ?? null;
  }

  #of({ camera, region }: Result, nowMs: number): Kept {
    const key = keyOf(camera, region ?? null);
    const known = this.#kept.get(key);
    if (known) return known;
    if (this.#kept.size >= MOST_CAMERAS) this.#forgetOldest(nowMs);
    if (this.#kept.size >= MOST_CAMERAS) return (this.#other ??= begun(OTHER_CAMERAS, null, nowMs));
    const kept = begun(camera, region ?? null, nowMs);
    this.#kept.set(key, kept);
    return kept;
  }

  #forgetOldest(nowMs: number): void {
    const [key, oldest] = [...this.#kept].reduce((a, b) => (b[1].lastMs < a[1].lastMs ? b : a));
    if (nowMs - oldest.lastMs > FORGOTTEN_MS) this.#kept.delete(key);
  }
}

function begun(camera: string, region: string | null, nowMs: number): Kept {
  return {
    camera,
    region,
    results: 0,
    lastMs: nowMs,
    ratePerS: 0,
    energyJ: null,
    hasPicture: false,
    last: null,
    picture: null,
    window: { sinceMs: nowMs, before: 0, now: 0 },
  };
}

/** No name holds the separator. */
function keyOf(camera: string, region: string | null): string {
  return region === null ? camera : `${camera}/${region}`;
}

function count(window: Kept['window'], nowMs: number): void {
  turn(window, nowMs);
  window.now += 1;
}

/** Begins the next window where this one is over. */
function turn(window: Kept['window'], nowMs: number): void {
  const ageMs = nowMs - window.sinceMs;
  if (ageMs < RATE_MS) return;
  window.before = ageMs < 2 * RATE_MS ? window.now : 0;
  window.now = 0;
  window.sinceMs = ageMs < 2 * RATE_MS ? window.sinceMs + RATE_MS : nowMs;
}

/** The window before counts for the part of the look back that this one does not fill yet. */
function rateOf(window: Kept['window'], nowMs: number): number {
  turn(window, nowMs);
  const share = (nowMs - window.sinceMs) / RATE_MS;
  return (window.before * (1 - share) + window.now) / (RATE_MS / 1000);
}
