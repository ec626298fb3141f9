import { readFileSync } from 'node:fs';
import type { Route } from './route.js';

/** The page's files lie in the package beside the programs; from dist/http/ that is two folders up. */
const FOLDER = new URL('../../http/page/', import.meta.url);

const FILES: readonly { path: string; file: string; type: string }[] = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
];

/** The page's files, read once. */
export function pageRoutes(): Route[] {
  return FILES.map(({ file, path, type }) => {
    const body = readFileSync(new URL(file, FOLDER));
    return {
      method: 'GET',
      path,
      summary: `the page: ${file}`,
      answers: type,
      handle: () => ({ status: 200, type, body }),
    };
  });
}
