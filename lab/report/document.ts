/**
 * A report as data: what HTML, Markdown and JSON are written from. `report.json` is this structure; docs/reports.md
 * explains it.
 */
import type { ChartSpec } from '../charts/kinds.js';

export interface Report {
  format: 'edgemux-report';
  version: 1;
  kind: 'campaign' | 'journal';
  title: string;
  subtitle: string;
  /** ISO 8601. */
  createdAt: string;
  edgemux: string;
  /** What in this report is simulated, in words; empty: nothing is. */
  simulated: string[];
  headline: Headline[];
  sections: Section[];
  notMeasured: NotMeasured[];
  /** Circumstances: zoo, versions, machine, link, … */
  facts: Fact[];
}

/** A figure for the eye, at the top. */
export interface Headline {
  label: string;
  value: string;
  unit: string;
  note: string;
  simulated: boolean;
}

export interface Section {
  id: string;
  title: string;
  /** What it says, in a sentence or two. */
  lead: string;
  blocks: Block[];
}

export type Block = Text | Table | Figure;

export interface Text {
  kind: 'text';
  text: string;
}

export interface Table {
  kind: 'table';
  id: string;
  caption: string;
  columns: Column[];
  rows: Cell[][];
  notes: string[];
}

export interface Column {
  name: string;
  unit?: string;
  /** Numbers stand right. */
  align: 'text' | 'number';
}

export interface Cell {
  text: string;
  /** The number behind the text, at full precision and in the unit of its column. */
  value?: number | null;
  /** A second line: the paper's figure, an interval. */
  under?: string;
}

export interface Figure {
  kind: 'figure';
  id: string;
  chart: ChartSpec;
  /** What to see in it. */
  caption: string;
  /** Half figures stand beside each other where there is room. */
  width: 'full' | 'half';
}

export interface NotMeasured {
  what: string;
  why: string;
}

export interface Fact {
  name: string;
  value: string;
}

export function allFigures({ sections }: Report): Figure[] {
  return sections.flatMap(({ blocks }) => blocks.filter((block) => block.kind === 'figure'));
}
