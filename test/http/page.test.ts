/** The page in a real Chromium, against a real device that answers frames of two cameras. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { chromium, startBrowser, type Page } from '../lab/report/support/browser.js';
import { jpegOf } from '../support/system.js';
import { until } from '../support/until.js';
import { startServed } from './support/served.js';

const path = chromium();
/** Screenshots to look at: set the folder. */
const SHOTS = process.env['PAGE_SHOTS'];
const textOf = (page: Page, id: string): Promise<string> =>
  page.evaluate(`document.getElementById('${id}').textContent`) as Promise<string>;

t.test(
  'the page',
  { skip: path === undefined ? 'there is no Chromium here' : false, timeout: 600_000 },
  async (t) => {
    const { outside, device } = await startServed(t, { http: { pictures: true } });
    const browser = await startBrowser(path ?? '');
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    const said: string[] = [];
    const asked = new Set<string>();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    const own = `http://127.0.0.1:${device.port}`;
    await page.goto(`${own}/`);
    const show = async (): Promise<string> => (await page.evaluate('document.body.innerText')) as string;

    t.test('says that no camera is there, then shows each with what became of its frame', async (t) => {
      await until('it follows', async () => (await textOf(page, 'device')) === 'd1');
      t.match(await show(), /No camera has sent a frame/);
      const sent = ['door', 'yard', 'door', 'gate', 'door', 'yard'];
      for (const [at, camera] of sent.entries()) {
        await outside.publishFrame(camera, await jpegOf(at));
        await outside.untilResults(at + 1);
      }
      await until('three tiles', async () => (await page.$$('.tile')).length === 3);
      const last = outside.results.findLast(({ camera }) => camera === 'door');
      const tile = async (): Promise<string> =>
        (await page.evaluate("document.querySelector('.tile').innerText")) as string;
      await until('the last result of the door', async () =>
        (await tile()).includes(`${last?.latencyMs.total.toFixed(1)} ms`),
      );
      t.match(
        await tile(),
        new RegExp(`${last?.label}[^]*${last?.route}: ${last?.reason}[^]*\\(simulated\\)[^]*3 results`),
      );
    });

    t.test('shows the last picture, which is the one that was sent', async (t) => {
      const loaded =
        "[...document.querySelectorAll('.tile img')].filter((img) => !img.hidden && img.naturalWidth === 28).length";
      await until('three pictures', async () => (await page.evaluate(loaded)) === 3);
      t.equal(await page.evaluate("document.querySelector('.tile img').alt"), 'last picture of door');
    });

    t.test('changes the policy with the token alone, and says why it does not', async (t) => {
      await page.select('#mode', 'mobile-only');
      await page.click('#policy button[type=submit]');
      await until('a refusal', async () => (await textOf(page, 'policy-said')).includes('edgemux token'));
      await page.type('#token', device.token);
      await page.click('#policy button[type=submit]');
      await outside.untilState(({ policy }) => policy.mode === 'mobile-only');
      await until('it is said', async () => (await textOf(page, 'policy-said')).startsWith('applied'));
      await page.click('#reset');
      await outside.untilState(({ policy }) => policy.source === 'configuration');
      t.equal(outside.state?.policy.mode === 'mobile-only', false);
    });

    t.test('fits a desk and a telephone, light and dark', async (t) => {
      for (const scheme of ['light', 'dark'])
        for (const width of [1280, 390]) {
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
          await page.setViewport({ width, height: 900 });
          t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${scheme} ${width}`);
          if (SHOTS === undefined) continue;
          mkdirSync(SHOTS, { recursive: true });
          await page.screenshot({
            path: join(SHOTS, `${scheme}-${width}.png`) as `${string}.png`,
            fullPage: true,
          });
        }
    });

    t.test('every field has a name, and the keyboard reaches all of them', async (t) => {
      const nameless = `[...document.querySelectorAll('input,select,button')].filter((element) =>
      !element.labels?.length && !element.textContent.trim()).map((element) => element.id)`;
      t.same(await page.evaluate(nameless), []);
      await page.evaluate('document.activeElement.blur(); window.scrollTo(0, 0)');
      await page.focus('.skip');
      const reached = new Set<string>();
      for (let at = 0; at < 15; at += 1) {
        reached.add((await page.evaluate('document.activeElement.id')) as string);
        await page.keyboard.press('Tab');
      }
      for (const id of ['mode', 'privacy', 'token']) t.ok(reached.has(id), id);
    });

    t.test('a link with the token opens it, and leaves no token in the address', async (t) => {
      const other = await browser.newPage();
      await other.goto(`${own}/#token=${device.token}`);
      await until('it follows', async () => (await textOf(other, 'device')) === 'd1');
      t.equal(await other.evaluate('location.href'), `${own}/`);
      t.equal(await other.evaluate("document.getElementById('token').value"), device.token);
      await other.close();
    });

    t.test('asks nobody but the device, and has nothing to complain of', async (t) => {
      t.same(
        [...asked].filter((origin) => origin !== own && origin !== 'null' && !origin.startsWith('blob')),
        [],
      );
      t.same(
        said.filter((line) => !/401/.test(line)),
        [],
      );
    });
  },
);
