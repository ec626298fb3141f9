/** Values that a careful enemy sends: names that are none, numbers at the edge of what numbers are. */
import type { Dice } from './dice.js';

const LONG = 2048;

const NAMES: readonly string[] = [
  ...[
    '',
    ' ',
    '+',
    '#',
    '$share',
    '$SYS',
    '.',
    '..',
    '...',
    '/',
    '//',
    'a/b',
    '../../etc/passwd',
    '%00',
    '%2f',
  ],
  ...[
    'answer',
    'cloud',
    'offload',
    'probe',
    'status',
    'state',
    'set',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...['null', 'undefined', 'NaN', '-', '_', '0', '-0', 'x'.repeat(64), 'x'.repeat(65), 'n'.repeat(LONG)],
  ...['caf\u00e9', '\u{1f4f7}', '\u202egpj', '\u0000', '\u0007bell', 'line\nbreak', '\u001b[2J', '\ufeffbom'],
  ...[
    '\ud800',
    '+'.repeat(LONG),
    '/'.repeat(LONG),
    '\u{1f600}'.repeat(LONG / 4),
    "'; DROP TABLE results; --",
  ],
  ...['{camera}', '{camera}/{camera}', '<script>alert(1)</script>', '${process.exit(1)}', '%s%n', '*'],
];

/** Numbers as they would stand in a JSON text; some of them are none there. */
const NUMBER_TEXTS: readonly string[] = [
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    '1e308',
    '-1e308',
    '1e309',
    '1e999',
    '-1e999',
    '-0',
    '0',
    '5e-324',
    '1e-400',
  ],
  ...[
    '9007199254740991',
    '9007199254740993',
    '123456789012345678901234567890',
    '-1',
    '2',
    '0.1',
    '1.0000001',
  ],
  ...['0x10', '01', '+1', '.5', '1.', '1e', '--1', '1_000', '4294967296', '2147483648', '-2147483649'],
];

/** A name that hurts, or a plausible one. */
export function hostileName(dice: Dice): string {
  if (dice.chance(0.2)) return dice.pick(['door', 'd1', 'cam-2', 'A_b']);
  const name = dice.pick(NAMES);
  return dice.chance(0.2) ? `${name}${dice.pick(NAMES)}` : name;
}

/** A topic as `hostileName` says, that a broker would still deliver: no wildcards, no control characters. */
export function deliverable(name: string): string {
  const safe = [...name].map((char) => (/[+#\p{Cc}\p{Cn}\p{Cs}]/u.test(char) ? '.' : char)).join('');
  return safe.slice(0, LONG);
}

export function hostileNumberText(dice: Dice): string {
  return dice.pick(NUMBER_TEXTS);
}
