/** What Prometheus is told by a real device and a real server. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { DROP_CAUSES } from '../../agent/counters.js';
import { REFUSAL_CAUSES } from '../../agent/frames/admission.js';
import { REASONS, ROUTES } from '../../protocol/messages.js';
import { findProgram } from '../support/broker.js';
import { jpegOf } from '../support/system.js';
import { ask } from './support/ask.js';
import { startServed } from './support/served.js';

/** Series and their values by the whole of name and labels. */
function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

t.test('a device and a server are scraped', async (t) => {
  const { outside, device, server } = await startServed(t, { device: { policy: { mode: 'cloud-only' } } });
  for (const [at, camera] of ['door', 'yard', 'door'].entries()) {
    await outside.publishFrame(camera, await jpegOf(at));
    await outside.untilResults(at + 1);
  }
  await outside.publishFrame('door', 'no picture');
  await outside.untilState(({ counters }) => counters.refused['not-an-image'] === 1);
  const ofDevice = await ask(device.port, '/metrics');
  const ofServer = await ask(server.port, '/metrics');
  t.match(ofDevice.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const series = seriesOf(ofDevice.text);
  const answers = seriesOf(ofServer.text);

  t.test('what happened to frames is counted by route, reason, cause and camera', async (t) => {
    t.equal(series.get('edgemux_results_total{route="cloud"}'), 3);
    t.equal(series.get('edgemux_camera_results_total{camera="door",region=""}'), 2);
    t.equal(series.get('edgemux_camera_results_total{camera="yard",region=""}'), 1);
    t.equal(series.get('edgemux_frames_refused_total{cause="not-an-image"}'), 1);
    t.equal(series.get('edgemux_frames_admitted_total'), 3);
    t.equal(series.get('edgemux_stage_seconds_count{stage="total"}'), 3);
    t.equal(series.get('edgemux_stage_seconds_bucket{stage="total",le="+Inf"}'), 3);
    const sentBytes = outside.results.reduce((sum, { bytesUp }) => sum + bytesUp, 0);
    t.equal(series.get('edgemux_offload_sent_bytes_total'), sentBytes);
    const totalS = outside.results.reduce((sum, { latencyMs }) => sum + latencyMs.total, 0) / 1000;
    t.ok(Math.abs((series.get('edgemux_stage_seconds_sum{stage="total"}') ?? NaN) - totalS) < 1e-9);
  });

  t.test('what did not happen is a zero, not an absent series', async (t) => {
    for (const route of ROUTES) t.ok(series.has(`edgemux_results_total{route="${route}"}`), route);
    for (const reason of REASONS)
      t.ok(series.has(`edgemux_results_by_reason_total{reason="${reason}"}`), reason);
    for (const cause of DROP_CAUSES)
      t.equal(series.get(`edgemux_frames_dropped_total{cause="${cause}"}`), 0, cause);
    for (const cause of REFUSAL_CAUSES)
      t.ok(series.has(`edgemux_frames_refused_total{cause="${cause}"}`), cause);
    t.equal(answers.get('edgemux_cloud_requests_refused_total{code="queue_full"}'), 0);
  });

  t.test('energy says that it is simulated', async (t) => {
    const joules = series.get('edgemux_energy_joules_total{simulated="true"}');
    t.ok(joules !== undefined && joules > 0, String(joules));
    t.ok(
      [...series.keys()].some((name) =>
        /^edgemux_rail_power_watts\{rail="[^"]+",simulated="true"\}$/.test(name),
      ),
    );
  });

  t.test('the state of breaker, journal, broker and build stands beside', async (t) => {
    t.equal(series.get('edgemux_breaker_state{state="closed"}'), 1);
    t.equal(series.get('edgemux_breaker_state{state="open"}'), 0);
    t.equal(series.get('edgemux_journal_mode{mode="disk"}'), 1);
    t.equal(series.get('edgemux_journal_healthy'), 1);
    t.equal(series.get('edgemux_broker_connected'), 1);
    t.equal(series.get('edgemux_servers_usable'), 1);
    t.equal(series.get('edgemux_server_breaker_closed{server="s1"}'), 1);
    t.equal(series.get('edgemux_server_failures_total{server="s1"}'), 0);
    t.ok([...series.keys()].some((name) => name.startsWith('edgemux_build_info{version="')));
  });

  t.test('the server tells requests, batches and stages', async (t) => {
    t.equal(answers.get('edgemux_cloud_answers_total'), 3);
    t.equal(answers.get('edgemux_cloud_residence_seconds_count'), 3);
    const batches = [...answers].filter(([name]) => name.startsWith('edgemux_cloud_batch_images_count'));
    t.ok(batches.length > 0 && batches.every(([, n]) => n > 0), JSON.stringify(batches));
    t.equal(answers.get('edgemux_cloud_stage_seconds_count{stage="decode"}'), 3);
  });

  const promtool = findProgram('promtool');
  t.test(
    'promtool finds nothing to say about either',
    { skip: promtool === null ? 'promtool is not installed (Debian: prometheus)' : false },
    async (t) => {
      for (const { text } of [ofDevice, ofServer]) {
        const { status, stderr, stdout } = spawnSync(promtool ?? '', ['check', 'metrics'], {
          input: text,
          encoding: 'utf8',
        });
        t.equal(stdout + stderr, '');
        t.equal(status, 0);
      }
    },
  );
});

t.test('cameras beyond the 64th share one series', async (t) => {
  const { Cameras, MOST_CAMERAS } = await import('../../http/device/cameras.js');
  const { result } = await import('./support/result.js');
  const cameras = new Cameras();
  for (let at = 0; at < MOST_CAMERAS + 10; at += 1)
    cameras.add(result({ camera: `c${at}` }), 1000 + at, null);
  const views = cameras.views(2000);
  t.equal(views.length, MOST_CAMERAS + 1);
  t.match(views.at(-1), { camera: '(other)', results: 10, last: null });
  cameras.add(result({ camera: 'late' }), 2000 + 3_600_000, null);
  t.ok(
    cameras.views(2000).some(({ camera }) => camera === 'late'),
    'one that is silent for an hour makes room',
  );
  t.notOk(cameras.views(2000).some(({ camera }) => camera === 'c0'));
});
