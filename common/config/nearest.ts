import { closest, distance } from 'fastest-levenshtein';

/** The known name nearest to a mistyped one, whatever its case, or null where none is close enough to be meant. */
export function nearestName(wrong: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const lower = known.map((name) => name.toLowerCase());
  const best = closest(wrong.toLowerCase(), lower);
  const limit = Math.max(2, Math.ceil(wrong.length / 2));
  return distance(wrong.toLowerCase(), best) <= limit ? (known[lower.indexOf(best)] ?? null) : null;
}
