import { EdgemuxError } from '../../common/errors.js';
import { isName } from './names.js';

const CAMERA = '{camera}';
const MAX_PATTERN_CHARS = 512;

/**
 * Where cameras publish: a topic in which `{camera}` stands for the level that names the camera, e.g.
 * `cameras/{camera}/frame` or `frigate/{camera}/+/snapshot`. `+` stands for any one level, `#` at the end for
 * any number of levels; every other level is a name.
 */
export class CameraPattern {
  readonly pattern: string;
  /** The subscription that receives this pattern's topics. */
  readonly filter: string;
  readonly #levels: readonly string[];
  readonly #cameraAt: number;

  /** @throws TOPIC_INVALID naming the pattern and what is wrong with it */
  constructor(pattern: string) {
    this.pattern = pattern;
    this.#levels = checkedLevels(pattern);
    this.#cameraAt = this.#levels.indexOf(CAMERA);
    this.filter = this.#levels.map((level) => (level === CAMERA ? '+' : level)).join('/');
  }

  /** The camera that published on `topic`; `null` where topic or camera name does not fit the pattern. */
  match(topic: string): string | null {
    const levels = topic.split('/');
    const open = this.#levels.at(-1) === '#';
    const wanted = open ? this.#levels.length - 1 : this.#levels.length;
    if (open ? levels.length < wanted : levels.length !== wanted) return null;
    for (let at = 0; at < wanted; at += 1) {
      const level = this.#levels[at];
      if (level !== '+' && level !== CAMERA && level !== levels[at]) return null;
    }
    const camera = levels[this.#cameraAt] ?? '';
    return isName(camera) ? camera : null;
  }
}

function checkedLevels(pattern: string): string[] {
  if (typeof pattern !== 'string' || pattern.length > MAX_PATTERN_CHARS) {
    throw invalid(String(pattern).slice(0, 80), `it is not text of up to ${MAX_PATTERN_CHARS} characters`);
  }
  const levels = pattern.split('/');
  levels.forEach((level, at) => {
    if (level === CAMERA || level === '+' || isName(level)) return;
    if (level === '#' && at === levels.length - 1) return;
    if (level === '#') throw invalid(pattern, '"#" may only be its last level');
    throw invalid(
      pattern,
      `its level ${JSON.stringify(level)} is neither a name (A-Z, a-z, 0-9, "_", "-"), "${CAMERA}", "+" nor a last "#"`,
    );
  });
  const cameras = levels.filter((level) => level === CAMERA).length;
  if (cameras !== 1) throw invalid(pattern, `it has ${cameras} levels "${CAMERA}" and needs exactly one`);
  return levels;
}

function invalid(pattern: string, why: string): EdgemuxError {
  return new EdgemuxError('TOPIC_INVALID', `camera pattern ${JSON.stringify(pattern)} is refused: ${why}`, {
    details: { key: 'pattern', value: pattern },
  });
}
