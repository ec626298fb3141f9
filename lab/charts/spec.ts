/**
 * What the descriptions of all charts share. A description is plain data: reports keep it as JSON beside the picture.
 * Values are in the unit that the axis names.
 */

export interface Axis {
  /** With its unit. */
  name: string;
  min?: number;
  max?: number;
  log?: boolean;
}

/** What every chart has; its kind, which reports keep in their JSON, comes with it. */
export interface ChartBase {
  title: string;
  /** Drawn on the picture itself: `simulated power rails`, `estimated`. */
  badges?: readonly string[];
}

export type Point = readonly [x: number, y: number];

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
