import { closest, distance } from 'fastest-levenshtein';

/** The known name nearest to a mistyped one, or null where none is close enough to be meant. */
export function nearestName(wrong: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const best = closest(wrong.toLowerCase(), known as string[]);
  const limit = Math.max(2, Math.ceil(wrong.length / 2));
  return distance(wrong.toLowerCase(), best.toLowerCase()) <= limit ? best : null;
}
