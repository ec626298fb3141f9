/** The process in which the cases run: `node child.js <options as JSON>`; reports go to the parent. */
import { DOORS } from './doors/all.js';
import { caseFile, run } from './runner.js';

export interface ChildOptions {
  seed: number;
  caseFile: string;
  /** Numbers of the cases by door. */
  cases: Record<string, number[]>;
}

const options = JSON.parse(process.argv[2] ?? '{}') as ChildOptions;
await run({
  seed: options.seed,
  doors: DOORS.map((door) => ({ door, cases: options.cases[door.name] ?? [] })).filter(
    ({ cases }) => cases.length > 0,
  ),
  onCase: caseFile(options.caseFile),
  onReport: (report) => void process.send?.(report),
});
process.disconnect?.();
