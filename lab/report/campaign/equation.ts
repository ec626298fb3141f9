/** The paper's cost model beside what was measured. */
import { hybridCost } from '../../eval/cost.js';
import type { CampaignSummary, FormulaValue } from '../../measure/summary/summary-types.js';
import type { Cell, Table } from '../document.js';
import { digitsFor, number, text } from '../numbers.js';
import { PAPER_SETUPS } from './paper.js';
import { MILLI } from './setup-figures.js';

const NAMES: Record<FormulaValue['quantity'], { name: string; by: number }> = {
  flops: { name: 'FLOPs (M)', by: 1e-6 },
  latencyMs: { name: 'latency (ms)', by: 1 },
  energyGrossJ: { name: 'gross energy (mJ)', by: MILLI },
  energyNetJ: { name: 'net energy (mJ)', by: MILLI },
};
const PAPER_KEPT = 0.68;

/** Eq. 13 and 14 beside the set-ups as measured; none where there is nothing to compare. */
export function formulaTable({ formulas, simulated }: CampaignSummary): Table[] {
  if (formulas.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'formulas',
      caption: 'Eq. 13 and 14, and what was measured; beneath it the paper',
      columns: [
        { name: 'of a frame', align: 'text' },
        ...['measured', 'mux negligible', 'mux as measured', 'mux = local pass'].map((name) => ({
          name,
          align: 'number' as const,
        })),
      ],
      rows: formulas.map((formula) => row(formula, simulated)),
      notes: [
        'Eq. 13, at three prices of the mux, is the mean of mobile-only and cloud-only, weighted with the share kept, and the mux on top. The paper calls its ' +
          'mux negligible, but its Table I only satisfies the equation when the mux costs one whole pass of the local model.',
        'A policy in which the mux answers by itself, or the local model runs before an offload, is not what eq. 13 describes: ' +
          'the difference shows how much that matters.',
      ],
    },
  ];
}

function row(formula: FormulaValue, simulated: boolean): Cell[] {
  const { setup, quantity, measured, muxNegligible, muxMeasured, muxOneLocalPass, equation } = formula;
  const { name, by } = NAMES[quantity];
  const scaled = (value: number | null): number | null => (value === null ? null : by * value);
  const digits = digitsFor([scaled(measured)]);
  const paper = equation === 13 ? paperOf(quantity) : null;
  const marked = simulated && quantity.startsWith('energy') ? `${name}, simulated` : name;
  return [
    text(marked, `${setup}, eq. ${equation}`),
    number(scaled(measured), digits, paper?.measured),
    number(scaled(muxNegligible), digits, paper?.negligible),
    number(scaled(muxMeasured), digits),
    number(scaled(muxOneLocalPass), digits, paper?.whole),
  ];
}

/** The same with the paper's numbers; null for what it does not give. */
function paperOf(
  quantity: FormulaValue['quantity'],
): Record<'measured' | 'negligible' | 'whole', string> | null {
  if (quantity === 'energyNetJ') return null;
  const key = ({ flops: 'flops', latencyMs: 'latencyMs', energyGrossJ: 'energyMJ' } as const)[quantity];
  const by = quantity === 'flops' ? 1e-6 : 1;
  const of = (setup: keyof typeof PAPER_SETUPS): number => by * (PAPER_SETUPS[setup][key] ?? NaN);
  const [local, cloud] = [of('mobile-only'), of('cloud-only')];
  const eq13 = (mux: number): string =>
    String(Number(hybridCost({ mux, local, cloud, upload: 0, download: 0 }, PAPER_KEPT).toFixed(2)));
  return { measured: String(of('hybrid')), negligible: eq13(0), whole: eq13(local) };
}
