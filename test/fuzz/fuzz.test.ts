import t from 'tap';
import { fuzz } from './fuzz.js';
import { DOORS } from './doors/all.js';

const CASES = 2000;

t.test(
  'a tenth of the fuzz cases, of one seed: no crash, no hang, no leak, every refusal has a code',
  async (t) => {
    const { reports, cases, findings } = await fuzz({ cases: CASES, seed: 1 });
    t.same(findings, [], 'nothing was found');
    t.ok(Math.abs(cases - CASES) <= DOORS.length, `${cases} cases were run`);
    for (const { door, cases: run, outcomes, worstCpuMs, cpuS, rssMiB } of reports) {
      t.ok(
        Object.keys(outcomes).length >= 2,
        `${door}: some are taken, some refused: ${JSON.stringify(outcomes)}`,
      );
      t.comment(
        `${door}: ${run} cases, ${cpuS.toFixed(1)} s, worst ${worstCpuMs.toFixed(0)} ms, ${rssMiB.end} MiB`,
      );
    }
  },
);
