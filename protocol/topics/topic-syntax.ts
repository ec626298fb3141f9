import { EdgemuxError } from '../../common/errors.js';

const MAX_TOPIC_BYTES = 65_535;

/** @throws TOPIC_INVALID for what MQTT lets nobody publish to: wildcards, NUL, empty, too long */
export function assertTopic(topic: string): void {
  if (topic.includes('+') || topic.includes('#')) throw invalid('topic', topic, 'it contains a wildcard');
  assertText('topic', topic);
}

/** @throws TOPIC_INVALID for what is no subscription filter: a wildcard within a level, `#` before the end, … */
export function assertFilter(filter: string): void {
  assertText('filter', filter);
  const levels = filter.split('/');
  levels.forEach((level, at) => {
    const wild = level.includes('+') || level.includes('#');
    if (!wild || level === '+' || (level === '#' && at === levels.length - 1)) return;
    throw invalid('filter', filter, 'a wildcard must be a whole level, and "#" the last one');
  });
  if (levels[0] !== '$share') return;
  const group = levels[1] ?? '';
  if (levels.length < 3 || group === '' || group === '+' || group === '#') {
    throw invalid('filter', filter, 'it is not $share/<group>/<filter>');
  }
}

function assertText(what: string, text: string): void {
  if (typeof text !== 'string' || text === '') throw invalid(what, String(text), 'it is empty');
  if (text.includes('\0')) throw invalid(what, text, 'it contains NUL');
  if (Buffer.byteLength(text) > MAX_TOPIC_BYTES) throw invalid(what, text, 'it is too long');
}

function invalid(what: string, value: string, why: string): EdgemuxError {
  const shown = JSON.stringify(value.slice(0, 80));
  return new EdgemuxError('TOPIC_INVALID', `MQTT ${what} ${shown} is refused: ${why}`, {
    details: { key: what, value: value.slice(0, 80) },
  });
}
