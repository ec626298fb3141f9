/** Reports in a real browser. */
import { join } from 'node:path';
import t from 'tap';
import { runReport } from '../../../../lab/report/command.js';
import { reportOptions } from '../../../../lab/report/options.js';
import { loadZoo } from '../../../../mux/zoo/zoo.js';
import { SHIPPED_ZOO } from '../../../mux/support/zoos.js';
import { chromium, lookAt, startBrowser } from '../support/browser.js';
import { writeCampaign } from '../support/campaign.js';
import { evalOf } from '../support/evaluation.js';
import { writeJournal } from '../support/journal.js';

t.setTimeout(300_000);

const DESKTOP = 1280;
const PHONE = 390;
const found = chromium();
const quiet = { out: { write: () => true }, progress: { write: () => true } };
const around = { dataDir: () => '', nowMs: 0 };

t.test(
  'campaign and journal open without a script, a request or an error, and fit a desktop and a phone',
  { skip: found === undefined && 'chromium is not installed' },
  async (t) => {
    const dir = t.testdir({ campaign: {}, journal: {} });
    writeCampaign(join(dir, 'campaign'), await loadZoo(SHIPPED_ZOO), { linkName: 'us-mobile-2019' });
    await evalOf(SHIPPED_ZOO, join(dir, 'campaign'));
    writeJournal(join(dir, 'journal'), 400);
    const argvs = [{ campaign: join(dir, 'campaign'), embeddings: 30 }, { journal: join(dir, 'journal') }];
    const browser = await startBrowser(found ?? '');
    t.teardown(() => browser.close());
    for (const [i, argv] of argvs.entries()) {
      const out = join(dir, `out-${i}`);
      await runReport(reportOptions({ ...argv, out }, around), quiet);
      const look = await lookAt(browser, join(out, 'report.html'), [DESKTOP, PHONE]);
      t.same(look.said, [], 'nothing on the console');
      t.same(look.asked, [], 'nothing asked of a network or a disk');
      t.same(look.widths, { [DESKTOP]: DESKTOP, [PHONE]: PHONE }, 'nothing to scroll sideways');
      t.same(look.outside, { [DESKTOP]: [], [PHONE]: [] }, 'no text beyond the edge');
      t.ok((look.pictures[DESKTOP]?.length ?? 0) >= 6);
      t.equal(look.pictures[DESKTOP]?.length, look.pictures[PHONE]?.length);
      t.ok(look.pictures[DESKTOP]?.every((name) => name === 'wide'));
      t.ok(
        look.pictures[PHONE]?.every((name) => name === 'phone'),
        'a phone gets pictures drawn for it',
      );
    }
  },
);
