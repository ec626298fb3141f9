/** Figures as people read them, and Markdown tables. */
import type { Interval } from '../statistics/bootstrap.js';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function percent(share: number): string {
  return (share * 100).toFixed(2).replace(/\.?0+$/, '');
}

export function accuracy({ value, low, high }: Interval): string {
  return `${(value * 100).toFixed(2)} % [${(low * 100).toFixed(2)}, ${(high * 100).toFixed(2)}]`;
}

/** A difference, in points of percent. */
export function points({ value, low, high }: Interval, digits = 2, unit = ''): string {
  const shown = (x: number) => `${x > 0 ? '+' : ''}${(x * 100).toFixed(digits)}`;
  return `${shown(value)}${unit && ` ${unit}`} [${shown(low)}, ${shown(high)}]`;
}

export function plain({ value, low, high }: Interval): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

export function millions(flops: number): string {
  return `${(flops / 1e6).toFixed(3)} M`;
}
