/** Changes JSON by its structure, so that most of it still means something, and writes what JSON cannot say. */
import type { Dice } from './dice.js';
import { hostileName, hostileNumberText } from './hostile.js';
import { mutateBytes } from './mutate-bytes.js';

type Json = unknown;
type Tree = Record<string, Json>;
interface Place {
  holder: Tree;
  key: string;
}

/** Stands in a tree for text that `JSON.stringify` would not write. */
const RAW = /"⟦([^"]*)⟧"/g;
const raw = (text: string): string => `⟦${text}⟧`;
const DEPTH = 20_000;

/** The text of a changed copy of `value`. */
export function mutateJson(value: Json, dice: Dice): string {
  if (dice.chance(0.02)) return dice.pick(['[', '{"a":']).repeat(DEPTH);
  if (dice.chance(0.02)) return `${JSON.stringify(value)}${' '.repeat(300_000)}`;
  const root: Tree = { root: structuredClone(value) };
  for (let n = dice.pick([1, 1, 2, 3]); n > 0; n -= 1) change(root, dice);
  const text = (JSON.stringify(root['root']) ?? '').replaceAll(RAW, '$1');
  return dice.chance(0.15) ? mutateBytes(Buffer.from(text), dice, [Buffer.from(text)]).toString() : text;
}

/** A value of any kind that a schema may meet. */
export function hostileValue(dice: Dice): Json {
  return dice.pick<() => Json>([
    () => raw(hostileNumberText(dice)),
    () => raw(hostileNumberText(dice)),
    () => hostileName(dice),
    () => null,
    () => dice.chance(0.5),
    () => [],
    () => ({}),
    () => Array.from({ length: dice.pick([1, 3, 1000]) }, () => raw(hostileNumberText(dice))),
    () => Object.fromEntries(Array.from({ length: dice.pick([1, 5, 300]) }, (_, i) => [`k${i}`, i])),
    () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as Json,
    () => nested(dice.pick([3, 500])),
    () => dice.below(1000) / 1000,
    () => 'y'.repeat(dice.pick([255, 256, 257, 5000])),
  ])();
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let n = 0; n < depth; n += 1) value = n % 2 ? [value] : { deeper: value };
  return value;
}

function change(root: Tree, dice: Dice): void {
  const places = placesIn(root, []);
  const { holder, key } = dice.pick(places);
  const old = holder[key];
  switch (dice.below(8)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (key !== 'root') Reflect.deleteProperty(holder, key);
      return;
    case 1:
      if (!Array.isArray(holder)) define(holder, hostileName(dice), old);
      return;
    case 2:
      holder[key] = structuredClone(dice.pick(places).holder);
      return;
    case 3:
      holder[key] = Array.from({ length: dice.pick([0, 2, 100]) }, () => structuredClone(old));
      return;
    case 4:
      if (isTree(old)) define(old, hostileName(dice), hostileValue(dice));
      return;
    default:
      holder[key] = hostileValue(dice);
  }
}

/** Also for `__proto__`, which plain assignment would take as the prototype. */
function define(holder: Tree, key: string, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function placesIn(node: Json, found: Place[]): Place[] {
  if (typeof node !== 'object' || node === null || found.length > 5000) return found;
  for (const key of Object.keys(node)) {
    found.push({ holder: node as Tree, key });
    placesIn((node as Tree)[key], found);
  }
  return found;
}

function isTree(value: Json): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
