/** What all charts share: type, title, badges, axes, and the space they take. */
import { COLOURS, ORDER, type Axis, type ChartBase, type Colour } from './spec.js';

/** A chart laid out: its ECharts option, and the height it needs in px. */
export interface Drawn {
  height: number;
  option: object;
}

/** The space a chart is drawn for. Below `NARROW_PX` it is for a phone: fewer ticks, larger share for the data. */
export interface Canvas {
  width: number;
  /** Whether the title is drawn on the picture; a page has it as text. */
  titled: boolean;
}

const NARROW_PX = 420;
export const isNarrow = ({ width }: Canvas): boolean => width < NARROW_PX;

export const INK = '#1f2429';
export const FAINT = '#5c656e';
export const RULE = '#e3e6e9';
export const FONT = {
  // Without quotation marks, which would end the attribute that it is written into.
  fontFamily: 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif',
  fontSize: 13,
  color: INK,
};
export const SMALL = { ...FONT, fontSize: 12, color: FAINT };
/** Text that stays readable over lines. */
export const HALO = { textBorderColor: '#ffffff', textBorderWidth: 3 };

/** Width of a text in px, near enough to leave space for it: there is no font to measure with. */
export function textWidth(text: string, fontSize = FONT.fontSize): number {
  return Math.ceil(text.length * fontSize * 0.6);
}

export function colour(name: Colour | undefined, at = 0): string {
  return COLOURS[name ?? ORDER[at % ORDER.length] ?? 'grey'];
}

export interface Head {
  /** Height taken at the top by title and badges, in px. */
  height: number;
  option: object;
}

const LINE_PX = 21;
const BADGE = { height: 21, fontSize: 11.5, gap: 6 };

/** Title and badges. A badge stands on the picture, so that a copy of the picture alone still says it. */
export function headOf({ title, badges = [] }: ChartBase, canvas: Canvas): Head {
  const perLine = Math.floor((canvas.width - 16) / (15 * 0.6));
  const lines = canvas.titled ? wrapped(title, perLine) : [];
  const titleHeight = lines.length * LINE_PX + (canvas.titled ? 6 : 0);
  const text = { ...FONT, fontSize: 15, fontWeight: 600, lineHeight: LINE_PX };
  let [x, y] = [0, titleHeight + 2];
  const tags = badges.map((badge) => {
    const width = textWidth(badge, BADGE.fontSize * 1.15) + 18;
    if (x > 0 && x + width > canvas.width) [x, y] = [0, y + BADGE.height + 4];
    const tag = badgeAt(badge, x, y, width);
    x += width + BADGE.gap;
    return tag;
  });
  return {
    height: badges.length > 0 ? y + BADGE.height + 8 : titleHeight,
    option: {
      ...(canvas.titled
        ? { title: { text: lines.join('\n'), left: 0, top: 0, padding: 0, textStyle: text } }
        : {}),
      ...(tags.length > 0 ? { graphic: { elements: tags } } : {}),
    },
  };
}

function badgeAt(text: string, x: number, y: number, width: number): object {
  return {
    type: 'group',
    left: x,
    top: y,
    silent: true,
    children: [
      {
        type: 'rect',
        shape: { x: 0, y: 0, width, height: BADGE.height, r: 3 },
        style: { fill: '#fff3d1', stroke: '#b98900', lineWidth: 1 },
      },
      {
        type: 'text',
        x: width / 2,
        y: BADGE.height / 2,
        style: {
          text,
          fill: '#5e4500',
          font: `600 ${BADGE.fontSize}px ${FONT.fontFamily}`,
          align: 'center',
          verticalAlign: 'middle',
        },
      },
    ],
  };
}

function wrapped(text: string, perLine: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < perLine)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Height of the line above a plot that names its y axis. */
export const Y_NAME_PX = 26;
/** Height under a plot of tick labels and the name of the x axis, which may take two lines on a phone. */
export const X_AXIS_PX = 54;

/** A numeric axis; that of y has its name above its upper end, where it reads without turning the head. */
export function valueAxis(axis: Axis, across: boolean, canvas: Canvas): object {
  const { name, min, max, log } = axis;
  return {
    type: log === true ? 'log' : 'value',
    ...nameOf(across && isNarrow(canvas) ? wrapped(name, 40).join('\n') : name, across),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(min === 0 && max === 100 && across ? { interval: isNarrow(canvas) ? 25 : 20 } : {}),
    splitNumber: across && isNarrow(canvas) ? 4 : 5,
    axisLabel: { ...SMALL, hideOverlap: true },
    axisLine: { show: across, lineStyle: { color: '#9aa3ab' } },
    axisTick: { show: false },
    splitLine: { show: !across || log === true, lineStyle: { color: RULE } },
  };
}

export function categoryAxis(name: string, labels: readonly string[], across: boolean): object {
  return {
    type: 'category',
    data: [...labels],
    ...nameOf(name, across),
    axisLabel: { ...FONT, interval: 0 },
    axisLine: { show: across, lineStyle: { color: '#9aa3ab' } },
    axisTick: { show: false },
  };
}

function nameOf(name: string, across: boolean): object {
  const place = across
    ? { nameLocation: 'middle', nameGap: 30 }
    : {
        nameLocation: 'end',
        nameGap: 12,
        nameTextStyle: { ...SMALL, align: 'left', padding: [0, 0, 0, -44] },
      };
  return { name, nameTextStyle: SMALL, ...place };
}

/** A legend on one line, or more where the canvas is narrow. @returns its height and its option */
export function legendOf(
  names: readonly string[],
  top: number,
  canvas: Canvas,
  symbol: 'square' | 'line' = 'square',
): { height: number; option: object } {
  const ITEM_PX = symbol === 'line' ? 52 : 38;
  let lines = 1;
  let used = 0;
  for (const name of names) {
    const width = textWidth(name) + ITEM_PX;
    if (used > 0 && used + width > canvas.width * 0.9) {
      lines += 1;
      used = 0;
    }
    used += width;
  }
  return {
    height: lines * 23 + 4,
    option: {
      left: 0,
      top,
      padding: 0,
      itemGap: 18,
      width: canvas.width * 0.92,
      textStyle: FONT,
      data: [...names],
      selectedMode: false,
      ...(symbol === 'line'
        ? { itemWidth: 26, itemHeight: 10 }
        : { icon: 'roundRect', itemWidth: 12, itemHeight: 12, itemStyle: { borderWidth: 0 } }),
    },
  };
}
