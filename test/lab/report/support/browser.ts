/** A headless Chromium that looks at a page and tells what it did. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { launch, type Browser } from 'puppeteer-core';

export type { Page } from 'puppeteer-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of a Chromium that is installed; undefined: there is none. */
export function chromium(): string | undefined {
  return PLACES.find((path) => existsSync(path));
}

export function startBrowser(executablePath: string): Promise<Browser> {
  // Root may only run it without its sandbox; the pages are our own.
  return launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: 120_000,
  });
}

export interface Look {
  /** Messages on the console, and errors of the page. */
  said: string[];
  /** Addresses that the page asked for, the page itself not among them. */
  asked: string[];
  /** Width of all that there is, by width of the window in px. */
  widths: Record<number, number>;
  /** Pictures that can be seen, by width of the window: their classes. */
  pictures: Record<number, string[]>;
  /** Elements with text that stick out of the window, in words, by its width. */
  outside: Record<number, string[]>;
}

/** Opens a file at several widths. Scripts are off: a report needs none. */
export async function lookAt(browser: Browser, file: string, widths: readonly number[]): Promise<Look> {
  const look: Look = { said: [], asked: [], widths: {}, pictures: {}, outside: {} };
  const url = pathToFileURL(file).href;
  const page = await browser.newPage();
  page.on('console', (message) => look.said.push(message.text()));
  page.on('pageerror', (error) => look.said.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== url) look.asked.push(request.url());
  });
  page.on('requestfailed', (request) => look.asked.push(`failed: ${request.url()}`));
  for (const width of widths) {
    await page.setViewport({ width, height: 900 });
    await page.goto(url, { waitUntil: 'networkidle0', timeout: 120_000 });
    look.widths[width] = (await page.evaluate('document.documentElement.scrollWidth')) as number;
    look.pictures[width] = (await page.evaluate(SEEN)) as string[];
    look.outside[width] = (await page.evaluate(OUTSIDE)) as string[];
  }
  await page.close();
  return look;
}

const SEEN = `[...document.querySelectorAll('figure svg')].filter((svg) => svg.getBoundingClientRect().width > 0)
  .map((svg) => svg.getAttribute('class'))`;
/** What scrolls within itself may be wider. */
const OUTSIDE = `[...document.querySelectorAll('h1,h2,h3,p,dd,figure,svg text')]
  .filter((element) => { const box = element.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1); })
  .map((element) => element.tagName + ': ' + element.textContent.slice(0, 60))`;
