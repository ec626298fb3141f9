/** The page of a device: follows /api/events, and changes the policy by /api/policy. No other address is asked. */
const ROUTES = ['mux', 'local', 'cloud', 'fallback'];
const ANSWERED_BY = {
  mux: 'answered by the mux itself',
  local: 'answered by the local model',
  cloud: 'answered by a server',
  fallback: 'answered by the local model in a server’s place',
};
/** A camera without a result for so long is shown as silent. */
const SILENT_MS = 60_000;
const RECONNECT_MS = 2000;
const HISTORY_MS = 10_000;
const TOKEN = 'edgemux-token';

const find = (id) => document.getElementById(id);
const tiles = new Map();
/** The thresholds that the form has fields for, whether a person has changed it, and results in the hour that is drawn. */
const form = { names: '', touched: false, hour: 0 };

/** A link may carry the token behind #, which no server and no log sees; it is taken out of the address at once. */
const linked = /^#token=([\w.~+/=-]+)$/.exec(location.hash)?.[1];
if (linked) {
  sessionStorage.setItem(TOKEN, linked);
  history.replaceState(null, '', location.pathname);
}
find('token').value = sessionStorage.getItem(TOKEN) ?? '';

function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return fetch(path, { ...options, headers });
}

/** Follows the events for as long as the page is open; a stream that ends is begun anew. */
async function follow() {
  for (;;) {
    try {
      const response = await ask('/api/events');
      find('login').hidden = response.status !== 401;
      if (response.status === 401) return;
      if (!response.ok) throw new Error(`status ${response.status}`);
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      // said below: the device is away, or stopping
    }
    status('failed', 'not connected');
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

async function read(reader) {
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    const data = events.findLast((event) => event.startsWith('data: '));
    if (data) show(JSON.parse(data.slice(6)));
  }
}

function show({ atMs, cameras, connected, power, state }) {
  document.title = `${state.device} · edgemux`;
  set('device', state.device);
  const words = { ok: 'all is well', warning: 'look below', failed: 'frames are not answered' };
  status(connected ? state.health.status : 'failed', connected ? words[state.health.status] : 'no broker');
  showWarnings(state.health.warnings);
  showFigures(state, cameras);
  showShares(state.counters.routes);
  if (state.counters.results > 0 && form.hour === 0) void showHour();
  showCameras(cameras, atMs, state.policy);
  showRails(power?.rails ?? []);
  if (!form.touched) showPolicy(state.policy);
  const simulated = power?.simulated ? ' · power rails are simulated' : '';
  set(
    'about',
    `edgemux ${state.version} · zoo ${state.zoo.name} ${state.zoo.version} on ${state.provider}${simulated}`,
  );
}

function status(kind, text) {
  find('health').dataset.status = kind;
  set('health', text);
}

/** Text is only touched where it is another: a screen reader hears what changed. */
function set(element, text) {
  const node = typeof element === 'string' ? find(element) : element;
  if (node.textContent !== text) node.textContent = text;
}

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** As many children as there are entries, each made once and then filled. */
function fill(parent, entries, create, write) {
  while (parent.children.length > entries.length) parent.lastElementChild.remove();
  entries.forEach((entry, at) => {
    if (!parent.children[at]) parent.append(create(entry));
    write(parent.children[at], entry);
  });
}

function showWarnings(warnings) {
  find('trouble').hidden = warnings.length === 0;
  fill(find('warnings'), warnings, () => make('li'), set);
}

function showFigures(state, cameras) {
  const rate = cameras.reduce((sum, camera) => sum + camera.ratePerS, 0);
  const dropped = Object.values(state.counters.drops).reduce((sum, n) => sum + n, 0);
  const usable = state.servers.filter((server) => server.usable).map((server) => server.server);
  const figures = [
    ['results a second', rate.toFixed(1)],
    ['results', whole(state.counters.results)],
    ['dropped', whole(dropped)],
    ['power', state.power ? `${state.power.meanW.toFixed(2)} W` : 'not measured'],
    ['energy since start', state.power ? joules(state.power.energyJ) : 'not measured'],
    ['servers', usable.length > 0 ? usable.join(', ') : 'none'],
    ['breaker', state.offload?.breaker ?? 'closed'],
    ['results to deliver', whole(state.queue.outbox)],
  ];
  fill(
    find('figures'),
    figures,
    () => make('div', {}, make('dt'), make('dd')),
    (element, [name, value]) => {
      set(element.children[0], name);
      set(element.children[1], value);
    },
  );
}

function showShares(routes) {
  const all = ROUTES.reduce((sum, route) => sum + routes[route], 0);
  const shares = ROUTES.map((route) => ({ route, share: all > 0 ? routes[route] / all : 0 }));
  const parts = shares.filter(({ share }) => share > 0);
  fill(
    find('shares'),
    parts,
    () => make('span'),
    (element, { route, share }) => {
      element.dataset.route = route;
      element.style.flexGrow = String(share);
    },
  );
  const texts = shares.map(({ route, share }) => [route, `${route} ${(100 * share).toFixed(1)} %`]);
  const label = all > 0 ? `results by route: ${texts.map(([, text]) => text).join(', ')}` : 'no results yet';
  if (find('shares').getAttribute('aria-label') !== label) find('shares').setAttribute('aria-label', label);
  fill(
    find('legend'),
    texts,
    ([route]) => Object.assign(make('li'), { title: ANSWERED_BY[route] }),
    (element, [route, text]) => {
      element.dataset.route = route;
      set(element, text);
    },
  );
}

function showCameras(cameras, atMs, policy) {
  find('no-camera').hidden = cameras.length > 0;
  const keys = new Set(cameras.map(keyOf));
  for (const [key, tile] of tiles) {
    if (keys.has(key)) continue;
    tile.element.remove();
    tiles.delete(key);
  }
  for (const camera of cameras) {
    const key = keyOf(camera);
    if (!tiles.has(key)) {
      tiles.set(key, makeTile());
      find('tiles').append(tiles.get(key).element);
    }
    showCamera(tiles.get(key), camera, atMs, policy);
  }
}

const keyOf = ({ camera, region }) => (region === null ? camera : `${camera} · ${region}`);

function makeTile() {
  const parts = {
    name: make('b'),
    age: make('span'),
    picture: make('img', { alt: '', hidden: true }),
    label: make('strong'),
    sure: make('span'),
    route: make('p', { className: 'route' }),
    decision: make('p', { className: 'decision' }),
    bar: make(
      'div',
      { className: 'bar' },
      make('div', { className: 'value' }),
      make('div', { className: 'mark' }),
    ),
    numbers: make('p', { className: 'numbers' }),
  };
  const { age, bar, decision, label, name, numbers, picture, route, sure } = parts;
  bar.ariaHidden = 'true';
  const answer = make('p', { className: 'answer' }, label, sure);
  const element = make(
    'li',
    { className: 'tile' },
    make('h3', {}, name, age),
    picture,
    answer,
    route,
    make('div', {}, decision, bar),
    numbers,
  );
  return { element, ...parts, frameId: null };
}

function showCamera(tile, camera, atMs, policy) {
  const { last, lastMs, ratePerS, results } = camera;
  const ageMs = Math.max(0, atMs - lastMs);
  set(tile.name, keyOf(camera));
  set(tile.age, ageMs < 2000 ? `${ratePerS.toFixed(1)}/s` : `${span(ageMs)} ago`);
  tile.element.toggleAttribute('data-silent', ageMs > SILENT_MS);
  if (last === null) return set(tile.label, `${whole(results)} results of further cameras`);
  set(tile.label, last.label);
  set(tile.sure, `${(100 * last.confidence).toFixed(0)} %`);
  tile.element.dataset.route = last.route;
  set(tile.route, `${last.route}: ${last.reason}`);
  tile.route.title = ANSWERED_BY[last.route];
  showDecision(tile, last, policy);
  const energy = last.energyJ
    ? ` · ${joules(last.energyJ.gross)}${last.energyJ.simulated ? ' (simulated)' : ''}`
    : '';
  set(
    tile.numbers,
    `${last.latencyMs.total.toFixed(1)} ms${energy} · ${whole(results)} ${results === 1 ? 'result' : 'results'}`,
  );
  if (camera.hasPicture && tile.frameId !== last.frameId) void showPicture(tile, camera);
  if (!camera.hasPicture) tile.picture.hidden = true;
}

/** Where the frame stood: its difficulty where the mux's score decides, else how sure the answer was. */
function showDecision(tile, last, { thresholds }) {
  const byScore = last.threshold !== null && last.muxScore !== null;
  const value = byScore ? last.muxScore : last.confidence;
  const least = last.route === 'mux' ? thresholds.answer : thresholds.confidence;
  const mark = byScore ? last.threshold : (least ?? null);
  const [name, above] = byScore
    ? ['difficulty', 'above it a server is asked']
    : ['confidence', 'above it the device answers'];
  const against = mark === null ? '' : ` against ${mark.toFixed(2)}: ${above}`;
  set(tile.decision, `${name} ${value.toFixed(2)}${against}`);
  const [filled, line] = tile.bar.children;
  filled.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
  line.hidden = mark === null;
  if (mark !== null) line.style.left = `${100 * Math.min(1, Math.max(0, mark))}%`;
}

async function showPicture(tile, { camera, last, region }) {
  tile.frameId = last.frameId;
  const query = region === null ? '' : `?region=${encodeURIComponent(region)}`;
  try {
    const response = await ask(`/api/cameras/${encodeURIComponent(camera)}/picture${query}`);
    if (!response.ok) return;
    const before = tile.picture.src;
    tile.picture.src = URL.createObjectURL(await response.blob());
    tile.picture.alt = `last picture of ${camera}`;
    tile.picture.hidden = false;
    if (before.startsWith('blob:')) URL.revokeObjectURL(before);
  } catch {
    // the next one is tried again
  }
}

function showRails(rails) {
  find('no-rail').hidden = rails.length > 0;
  find('rails-frame').hidden = rails.length === 0;
  const cell = (value, digits) => (value === null || value === undefined ? '–' : value.toFixed(digits));
  fill(
    find('rails'),
    rails,
    () => make('tr', {}, make('th', { scope: 'row' }), ...Array.from({ length: 4 }, () => make('td'))),
    (row, rail) => {
      const texts = [
        rail.simulated ? `${rail.rail} (simulated)` : rail.rail,
        cell(rail.powerW?.mean, 3),
        cell(rail.energyJ, 1),
        cell(rail.voltageV, 3),
        cell(rail.currentA, 3),
      ];
      texts.forEach((text, at) => set(row.children[at], text));
    },
  );
}

function showPolicy({ mode, privacy, source, thresholds }) {
  find('mode').value = mode;
  find('privacy').value = privacy;
  const names = Object.keys(thresholds).sort();
  if (form.names !== names.join()) {
    form.names = names.join();
    find('thresholds').replaceChildren(...names.map(field));
  }
  for (const name of names) find(`threshold-${name}`).value = String(thresholds[name]);
  find('reset').disabled = source !== 'mqtt';
}

function field(name) {
  const id = `threshold-${name}`;
  const input = make('input', { id, name, type: 'number', step: 'any', min: '-1', max: '10' });
  return make(
    'p',
    { className: 'field' },
    make('label', { htmlFor: id, textContent: `Threshold: ${name}` }),
    input,
  );
}

/** Only what is another than now is sent. */
function patchOf(policy) {
  const thresholds = Object.fromEntries(
    [...find('thresholds').querySelectorAll('input')]
      .filter(({ name, value }) => value !== '' && Number(value) !== policy.thresholds[name])
      .map(({ name, value }) => [name, Number(value)]),
  );
  return {
    ...(find('mode').value === policy.mode ? {} : { mode: find('mode').value }),
    ...(find('privacy').value === policy.privacy ? {} : { privacy: find('privacy').value }),
    ...(Object.keys(thresholds).length > 0 ? { thresholds } : {}),
  };
}

async function change(patch) {
  sessionStorage.setItem(TOKEN, find('token').value.trim());
  const body = JSON.stringify(patch);
  const response = await ask('/api/policy', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const answer = await response.json();
  const said = find('policy-said');
  said.dataset.status = response.ok ? 'ok' : 'failed';
  set(said, response.ok ? 'applied, and kept over a restart' : answer.error.message);
  if (!response.ok) return;
  form.touched = false;
  showPolicy(answer);
}

find('policy').addEventListener('input', ({ target }) => {
  if (target.id !== 'token') form.touched = true;
});
find('policy').addEventListener('submit', async (event) => {
  event.preventDefault();
  const now = await (await ask('/api/policy')).json();
  await change(patchOf(now));
});
find('reset').addEventListener('click', () => change(null));
find('login-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, find('login-token').value.trim());
  location.reload();
});

/** What may be chosen is what the API takes. */
async function fillChoices() {
  const response = await ask('/api/openapi.json');
  if (!response.ok) return;
  const { paths } = await response.json();
  const { schema } = paths['/api/policy'].patch.requestBody.content['application/json'];
  const { properties } = (schema.anyOf ?? [schema]).find((one) => one.properties);
  for (const name of ['mode', 'privacy'])
    find(name).replaceChildren(
      ...properties[name].enum.map((value) => make('option', { value, textContent: value })),
    );
}

async function showHour() {
  const response = await ask('/api/history').catch(() => null);
  if (!response?.ok) return;
  const minutes = await response.json();
  const totals = minutes.map(({ routes }) => ROUTES.reduce((sum, route) => sum + routes[route], 0));
  const most = Math.max(1, ...totals);
  const width = 600 / minutes.length;
  const bars = minutes.flatMap(({ routes }, at) => {
    let top = 120;
    return ROUTES.filter((route) => routes[route] > 0).map((route) => {
      const height = (114 * routes[route]) / most;
      top -= height;
      const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const place = { x: at * width + 1, y: top, width: width - 2, height };
      for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value.toFixed(2));
      bar.dataset.route = route;
      return bar;
    });
  });
  find('hour').replaceChildren(...bars);
  const all = totals.reduce((sum, n) => sum + n, 0);
  form.hour = all;
  const energyJ = minutes.reduce((sum, minute) => sum + (minute.energyJ ?? 0), 0);
  const energy = energyJ > 0 ? `, ${joules(energyJ)} in frames` : '';
  const text =
    all > 0 ? `${whole(all)} results${energy}; the fullest minute had ${whole(most)}` : 'no results yet';
  set('hour-text', text);
  find('hour').setAttribute('aria-label', text);
}

function joules(value) {
  if (Math.abs(value) >= 3600) return `${(value / 3600).toFixed(2)} Wh`;
  return Math.abs(value) >= 1 ? `${value.toFixed(1)} J` : `${(1000 * value).toFixed(1)} mJ`;
}

function span(ms) {
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(0)} s`;
  return s < 3600 ? `${(s / 60).toFixed(0)} min` : `${(s / 3600).toFixed(1)} h`;
}

function whole(value) {
  return value.toLocaleString('en').replaceAll(',', ' ');
}

await fillChoices();
void showHour();
setInterval(() => void showHour(), HISTORY_MS);
void follow();
