"""Draws a run's log.jsonl as an SVG: one panel a quantity, epochs to the right. Standard library only.

    python3 scripts/train/plot.py runs/pair/log.jsonl > pair.svg
"""
import json
import sys
from html import escape

WIDTH, HEIGHT, LEFT, TOP = 640, 180, 70, 30
COLOURS = ('#1b6ca8', '#c8553d', '#3a7d44', '#8e5ea2', '#b8860b', '#444444')


def series(lines):
    """{panel: {curve: [(epoch, value)]}} of the lines of models and mux epochs; 'loss/x' is curve x of panel 'loss'."""
    panels = {}
    for line in lines:
        if 'epoch' not in line:
            continue
        epoch = int(line['epoch'].split('/')[0])
        for key, value in line.items():
            if isinstance(value, float) and key != 't':
                name, _, curve = key.partition('/')
                panels.setdefault(f'{line["phase"]}: {name}', {}).setdefault(curve or name, []).append((epoch, value))
    return panels


def panel(title, curves, top):
    """SVG of one panel whose upper edge is at `top`."""
    points = [p for curve in curves.values() for p in curve]
    low, high = min(v for _, v in points), max(v for _, v in points)
    last, span = max(e for e, _ in points), (high - low) or 1.0
    out = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(title)}</text>',
           f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>',
           f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{high:.4g}</text>',
           f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">{low:.4g}</text>',
           f'<text x="{LEFT + WIDTH}" y="{top + HEIGHT + 14}" text-anchor="end">epoch {last}</text>']
    for n, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[n % len(COLOURS)]
        path = ' '.join(f'{LEFT + WIDTH * e / last:.1f},{top + HEIGHT * (high - v) / span:.1f}' for e, v in curve)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<text x="{LEFT + WIDTH + 8}" y="{top + 14 + 16 * n}" fill="{colour}">{escape(name)}</text>')
    return '\n'.join(out)


def draw(lines):
    """The whole picture, or None if the log has no epoch yet."""
    panels = series(lines)
    if not panels:
        return None
    step = HEIGHT + 60
    body = '\n'.join(panel(title, curves, TOP + n * step) for n, (title, curves) in enumerate(panels.items()))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 160}" height="{TOP + len(panels) * step}" '
            f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>')


def main(argv):
    if len(argv) != 1:
        sys.exit('usage: plot.py LOG.jsonl > curves.svg')
    with open(argv[0], encoding='utf-8') as log:
        picture = draw([json.loads(line) for line in log])
    print(picture if picture else sys.exit(f'{argv[0]} has no finished epoch yet'))


if __name__ == '__main__':
    main(sys.argv[1:])
