/**
 * What a chart shows, as plain data: reports keep it as JSON beside the picture. Values are in the unit that the
 * axis names.
 */

export interface Axis {
  /** With its unit. */
  name: string;
  min?: number;
  max?: number;
  log?: boolean;
}

interface Common {
  title: string;
  /** Drawn on the picture itself: `simulated power rails`, `estimated`. */
  badges?: readonly string[];
}

export type Point = readonly [x: number, y: number];

export interface Line {
  name: string;
  points: readonly Point[];
  /** `baseline` is grey and dashed. */
  role: 'policy' | 'baseline';
}

export interface Mark {
  /** Written beside it; empty: none. */
  name: string;
  at: Point;
  /** 95 % interval of y. */
  interval?: Point;
  /** The line whose colour it takes. */
  like?: string;
}

/** Curves over two numeric axes, and single points. */
export interface LinesSpec extends Common {
  kind: 'lines';
  x: Axis;
  y: Axis;
  lines: readonly Line[];
  marks: readonly Mark[];
}

/** Groups of bars; a null leaves a gap. `stacked` puts the series on each other. */
export interface BarsSpec extends Common {
  kind: 'bars';
  x: Axis & { categories: readonly string[] };
  y: Axis;
  bars: readonly { name: string; values: readonly (number | null)[]; colour?: Colour }[];
  digits: number;
  stacked?: boolean;
}

/** One horizontal bar a row, put together of parts, with its total at the end. */
export interface StackSpec extends Common {
  kind: 'stack';
  x: Axis;
  rows: readonly string[];
  /** A value for each row; null: not measured. */
  parts: readonly { name: string; values: readonly (number | null)[]; colour: Colour }[];
  digits: number;
}

/** Low end, middle and high end of a quantity by row, such as percentiles. */
export interface RangesSpec extends Common {
  kind: 'ranges';
  x: Axis;
  rows: readonly { name: string; low: number; middle: number; high: number; colour?: Colour }[];
  digits: number;
}

/** Cells with their values: [row][column], rows from the top. */
export interface HeatSpec extends Common {
  kind: 'heat';
  x: Axis;
  y: Axis;
  labels: readonly string[];
  cells: readonly (readonly number[])[];
  digits: number;
}

/** Points without axes, panel beside panel, the same groups in each. */
export interface CloudsSpec extends Common {
  kind: 'clouds';
  groups: readonly { name: string; colour: Colour }[];
  panels: readonly { name: string; groups: readonly (readonly Point[])[] }[];
}

/** Power over time, and under it what the frames were doing. */
export interface TimelineSpec extends Common {
  kind: 'timeline';
  x: Axis;
  y: Axis;
  rails: readonly { name: string; points: readonly Point[] }[];
  /** Spans of time in the unit of x, on a lane. */
  lanes: readonly string[];
  kinds: readonly { name: string; colour: Colour }[];
  spans: readonly { lane: number; kind: number; from: number; to: number }[];
}

export type ChartSpec = LinesSpec | BarsSpec | StackSpec | RangesSpec | HeatSpec | CloudsSpec | TimelineSpec;

/**
 * Hues of Okabe and Ito, darkened where they would be too pale for text on white (contrast 4.5 and more), and pale
 * ones for areas.
 */
export const COLOURS = {
  blue: '#0072B2',
  vermilion: '#C24F00',
  green: '#00795A',
  purple: '#9C3F77',
  ochre: '#836400',
  grey: '#666666',
  sky: '#7CC3EC',
  amber: '#F0B429',
  mint: '#7ACBB2',
  rose: '#E3A9CA',
  silver: '#C9CDD2',
} as const;
export type Colour = keyof typeof COLOURS;
export const ORDER: readonly Colour[] = [
  'blue',
  'vermilion',
  'green',
  'purple',
  'ochre',
  'sky',
  'amber',
  'grey',
];
