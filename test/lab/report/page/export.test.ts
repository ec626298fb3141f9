/** What names from outside may do to a report: show, and nothing else. */
import t from 'tap';
import { csvText } from '../../../../common/csv.js';
import { markdownText } from '../../../../lab/eval/tables/escape.js';
import type { Report } from '../../../../lab/report/document.js';
import { htmlOf } from '../../../../lab/report/page/html.js';
import { markdownOf } from '../../../../lab/report/page/markdown.js';

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(2)>',
  'a & b | c',
  '`x` [l](javascript:alert(3)) ![i](http://x/y)',
  'two\nlines\n\n# of text',
  '**bold** ~~gone~~ \\',
  '</svg><script>alert(4)</script>',
  ']]>--><b>',
];

/** Every place of a report that takes text, with `name` in it. */
function reportOf(name: string): Report {
  const cell = { text: name, under: name };
  return {
    format: 'edgemux-report',
    version: 1,
    kind: 'journal',
    title: name,
    subtitle: name,
    createdAt: '2026-01-01T00:00:00.000Z',
    edgemux: '1.0.0',
    simulated: [name],
    headline: [{ label: name, value: name, unit: name, note: name, simulated: true }],
    sections: [
      {
        id: 'one',
        title: name,
        lead: name,
        blocks: [
          { kind: 'text', text: name },
          {
            kind: 'table',
            id: 'table',
            caption: name,
            columns: [
              { name, unit: name, align: 'text' },
              { name: 'plain', align: 'number' },
            ],
            rows: [[cell, { text: '1' }]],
            notes: [name],
          },
        ],
      },
    ],
    notMeasured: [{ what: name, why: name }],
    facts: [{ name, value: name }],
  };
}

/** Markdown without what a backslash takes its meaning from. */
const active = (markdown: string): string => markdown.replaceAll(/\\[\\`*[\]|~]/g, '');

t.test('a name from outside is text in every place of a Markdown report', async (t) => {
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const plain = active(markdownOf(reportOf('name')));
  for (const name of HOSTILE) {
    const markdown = active(markdownOf(reportOf(name)));
    t.notMatch(markdown, /<|`|~|\]\(/, name);
    for (const pattern of [/\|/g, /\*/g, /\n/g, /^#/gm, /\[/g])
      t.equal(count(markdown, pattern), count(plain, pattern), `${pattern} in ${name}`);
  }
});

t.test('a name from outside is text in every place of an HTML report', async (t) => {
  const tags = (html: string): string[] => html.match(/<[^>]*>/g) ?? [];
  const plain = tags(htmlOf(reportOf('name')));
  for (const name of HOSTILE) t.equal(tags(htmlOf(reportOf(name))).length, plain.length, name);
});

t.test('what begins like a heading or a list stays a line of text; numbers stay as they are', async (t) => {
  t.equal(markdownText('# a'), '\\# a');
  t.equal(markdownText('- a'), '\\- a');
  t.equal(markdownText('---'), '\\---');
  for (const text of ['-0.5', '3.2 W', 'mobilenet_v2', '91 %', '5 to 7']) t.equal(markdownText(text), text);
});

t.test('a cell of a CSV file is no formula and stays one cell', async (t) => {
  for (const text of ['=1+1', '+1', '-2+cmd', '@SUM(A1)', '\t=1']) t.equal(csvText(text), `'${text}`);
  t.equal(csvText('=HYPERLINK("http://x","y")'), `"'=HYPERLINK(""http://x"",""y"")"`);
  t.equal(csvText('a,b'), '"a,b"');
  t.equal(csvText('a\nb'), '"a\nb"');
  t.equal(csvText('VDD_IN'), 'VDD_IN');
});
