/** What two subscription filters have in common (MQTT 5, clause 4.7). Filters are taken as valid and without `$share`. */

/** A filter for people: the name of a group may be a secret. */
export function withoutGroup(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, '$share/…/');
}

/** True where some topic is selected by both filters. */
export function overlap(one: string, other: string): boolean {
  const [levels, others] = [one.split('/'), other.split('/')];
  for (let level = 0; ; level += 1) {
    const [a, b] = [levels[level], others[level]];
    if (a === '#' || b === '#') return true; // "#" selects its parent too
    if (a === undefined || b === undefined) return a === b;
    if (a !== b && a !== '+' && b !== '+') return false;
  }
}

/** True where `wide` selects every topic that `narrow` selects. */
export function covers(wide: string, narrow: string): boolean {
  const [a, b] = [wide.split('/'), narrow.split('/')];
  for (let level = 0; ; level += 1) {
    if (a[level] === '#') return true;
    if (a[level] === undefined || b[level] === undefined) return a[level] === b[level];
    if (b[level] === '#' || (a[level] !== '+' && a[level] !== b[level])) return false;
  }
}
