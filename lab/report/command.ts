/** `edgemux report`: a campaign or a stretch of the journal as a report for people. */
import { EXIT } from '../../common/exit.js';
import { packageVersion } from '../../common/version.js';
import { ProgressLine, type Stream } from '../progress-line.js';
import { JournalReader } from '../../journal/reader.js';
import { parseResult } from '../../protocol/messages.js';
import type { Report } from './document.js';
import { journalReport } from './journal/report.js';
import type { ReportOptions } from './options.js';
import { writeReport } from './write.js';

export interface ReportStreams {
  out: Pick<NodeJS.WritableStream, 'write'>;
  progress: Stream;
}

/** Returns the exit code. @throws EdgemuxError JOURNAL_FAILED, CAMPAIGN_INVALID, ZOO_INVALID */
export async function runReport(
  options: ReportOptions,
  streams: ReportStreams = { out: process.stdout, progress: process.stderr },
  nowMs = Date.now(),
): Promise<number> {
  const line = new ProgressLine(streams.progress);
  const made = { createdAt: new Date(nowMs).toISOString(), edgemux: packageVersion() };
  const report = await reportOf(options, made, line);
  line.show('writing', 1);
  const files = await writeReport(report, options.outDir, options.formats);
  line.end();
  const figures = files.filter((file) => file.endsWith('.svg')).length;
  const named = files.filter((file) => !file.endsWith('.svg'));
  streams.out.write(
    `${report.title}\n${report.subtitle}\n` +
      report.headline
        .map(({ label, value, unit, note }) => `  ${label}: ${value} ${unit} (${note})\n`)
        .join('') +
      report.simulated.map((what) => `  simulated: ${what}\n`).join('') +
      `written to ${options.outDir}: ${named.join(', ')}${figures > 0 ? ` and ${figures} figures` : ''}\n`,
  );
  return EXIT.ok;
}

async function reportOf(
  options: ReportOptions,
  made: { createdAt: string; edgemux: string },
  line: ProgressLine,
): Promise<Report> {
  const { source } = options;
  if (source.kind === 'campaign') {
    const { campaignReport } = await import('./campaign/report.js');
    return campaignReport(options, source.path, made, line);
  }
  const journal = new JournalReader(source.path, parseResult);
  try {
    return journalReport(journal, source, made, (done) => line.show('journal', done));
  } finally {
    journal.close();
  }
}
