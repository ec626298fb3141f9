import { isEdgemuxError } from '../../common/errors.js';
import type { Dice } from './dice.js';

/** One way into edgemux, with the means to knock at it. */
export interface Door {
  name: string;
  /** Its part of 20,000 cases. */
  cases: number;
  /** Makes the corpus, starts what has to run. `dir` is an empty folder of its own. */
  open(dir: string): Promise<OpenDoor>;
}

export interface OpenDoor {
  /**
   * Makes one case of the dice (or, where it goes through a list, of its number) and knocks with it. Returns what became of it in a word (`taken`, or the code of the
   * refusal); anything that it throws is a finding.
   */
  knock(dice: Dice, index: number): Promise<string> | string;
  /** After every few hundred cases and at the end: throws where the books do not balance. */
  balance?(): Promise<void>;
  close?(): Promise<void>;
}

/** Cases between two balances. */
export const BALANCE_EVERY = 250;

/** Runs what may refuse: `taken`, or the code of a refusal of ours. @throws what is no refusal of ours */
export async function refusalOr(act: () => unknown, taken = 'taken'): Promise<string> {
  try {
    await act();
    return taken;
  } catch (error) {
    if (isEdgemuxError(error)) return error.code;
    throw error;
  }
}

/** @throws Error saying `what`, unless `holds` */
export function insist(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
