import { readFileSync } from 'node:fs';
import t from 'tap';
import { REFUSAL_CAUSES } from '../agent/frames/admission.js';
import { Counters, DROP_CAUSES } from '../agent/counters.js';
import { ServerCounters } from '../cloud-stub/counters.js';
import { Metrics } from '../cloud-stub/metrics.js';
import { ERROR_CODES } from '../common/errors.js';
import { JOURNAL_FILES } from '../journal/journal.js';
import { REASONS, ROUTES } from '../protocol/messages.js';
import { sources } from './support/sources.js';

const PAGE = readFileSync('docs/operations.md', 'utf8');

function section(title: string): string {
  const [, text = ''] = PAGE.split(`\n## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

t.test('every reason, route and counter of a device has its row', async (t) => {
  for (const reason of REASONS) t.ok(section('Results').includes(`| \`${reason}\` |`), reason);
  for (const route of ROUTES) t.ok(section('Results').includes(`\`${route}\``), route);
  const text = section("The device's counters");
  for (const name of [...Object.keys(new Counters().snapshot()), ...DROP_CAUSES, ...REFUSAL_CAUSES])
    t.ok(text.includes(`| \`${name}\` |`), name);
});

t.test('every counter and metric of a server is explained', async (t) => {
  const text = section("The server's counters and metrics");
  const names = [...Object.keys(new ServerCounters().snapshot()), ...Object.keys(new Metrics().snapshot())];
  for (const name of names) t.ok(text.includes(`\`${name}\``), name);
  for (const [, code = ''] of text.matchAll(/`refused_([a-z_]+)`/g))
    t.ok(code.toUpperCase() in ERROR_CODES, `refused_${code} is an error code`);
});

t.test('every log line of the page is one that the programs say', async (t) => {
  const code = sources();
  const rows = section('The log')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  t.ok(rows.length > 20);
  for (const row of rows) {
    for (const [, words = ''] of (row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g))
      t.ok(code.includes(words.trim()), words);
  }
});

t.test('every configuration key and environment that the page names exists', async (t) => {
  const keys = readFileSync('docs/configuration.md', 'utf8');
  for (const [, key = ''] of PAGE.matchAll(
    /`((?:cameras|offload|policy|journal|watchdog|inference)\.[a-zA-Z.]+)`/g,
  )) {
    if (key === 'offload.breaker') continue; // of the state message
    if (JOURNAL_FILES.includes(key)) continue;
    t.ok(keys.includes(`\`${key}\``), key);
  }
});
