import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CampaignReader } from '../../../../lab/measure/store/reader.js';
import { CampaignWriter } from '../../../../lab/measure/store/writer.js';
import {
  baselineRow,
  campaignPlan,
  frameRow,
  measuredRun,
  railRow,
  sessionFacts,
} from '../support/campaign-rows.js';

t.test('what is written to a campaign is read back as it was', async (t) => {
  const dir = t.testdir();
  const plan = campaignPlan();
  const writer = CampaignWriter.create(dir, plan);
  const session = writer.addSession('2026-11-23T10:00:00.000Z', sessionFacts());
  writer.addRails([railRow()]);
  writer.addBaselines([baselineRow(session)]);
  const run = measuredRun(1, session, [
    frameRow(1, 0),
    frameRow(1, 1, { outcome: 'missing', predicted: null }),
  ]);
  writer.addRun(run);
  writer.close();

  const reader = new CampaignReader(dir);
  t.same(reader.facts, plan.facts);
  t.same(reader.setups(), plan.setups);
  t.same(reader.images(), plan.images);
  t.same(reader.sessions(), [{ session, startedAt: '2026-11-23T10:00:00.000Z', ...sessionFacts() }]);
  t.same(reader.rails(), [railRow()]);
  t.same(reader.baselines(), [baselineRow(session)]);
  t.same(reader.frames(1), run.frames);
  t.same(reader.power(1), run.power);
  t.same(reader.gaps(1), run.gaps);
  t.same(
    reader.runs().map(({ run: id, status, drops }) => [id, status, drops]),
    [
      [1, 'done', { superseded: 1 }],
      [2, 'planned', {}],
    ],
  );
  t.same(reader.framesOf('hybrid'), run.frames, 'frames of a setup are those of its finished runs');
  t.same(reader.framesOf('cloud-only'), []);
  reader.close();
});

t.test('a run is written whole or not at all', async (t) => {
  const dir = t.testdir();
  const writer = CampaignWriter.create(dir, campaignPlan());
  const session = writer.addSession('2026-11-23T10:00:00.000Z', sessionFacts());
  const twice = measuredRun(1, session, [frameRow(1, 0), frameRow(1, 0)]);
  t.throws(() => writer.addRun(twice), /UNIQUE/);
  writer.close();
  const reader = new CampaignReader(dir);
  t.same(reader.frames(1), []);
  t.equal(reader.runs()[0]?.status, 'planned');
  reader.close();
});

t.test('a campaign is never overwritten, and what is none is refused', async (t) => {
  const dir = t.testdir({ 'notes.sqlite': 'no database' });
  CampaignWriter.create(dir, campaignPlan()).close();
  t.throws(() => CampaignWriter.create(dir, campaignPlan()), {
    code: 'CAMPAIGN_INVALID',
    message: /--resume/,
  });
  t.throws(() => new CampaignReader(join(dir, 'notes.sqlite')), { code: 'CAMPAIGN_INVALID' });
  t.throws(() => new CampaignReader(join(dir, 'nowhere')), { code: 'CAMPAIGN_INVALID' });
  t.notOk(existsSync(join(dir, 'nowhere')), 'reading creates nothing');
});
