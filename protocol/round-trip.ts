/** How long a message takes to the broker and back, and whether Nagle's algorithm holds it up on the way. */
import { systemClock } from '../common/clock.js';
import { fail, pass, warn, type Verdict } from '../common/doctor/checks.js';
import type { Connection } from './connection/connection.js';

const ROUNDS = 15;
/** A picture of a camera, in bytes: several segments, the last of which Nagle's algorithm holds back. */
const PICTURE_BYTES = 20_000;
const PATIENCE_MS = 2000;
/** A delayed acknowledgement takes 40 ms; a slow machine less. */
const NAGLE_MS = 25;

/**
 * Asks as a device asks a server, over two connections: 20 kB there at QoS 1 and one byte back, p50 of `ROUNDS` in ms.
 * The broker's PUBACK is a small packet on its way when the answer follows: Nagle's algorithm holds that back until
 * the PUBACK is acknowledged, which receivers delay. A byte at QoS 0 both ways shows what the line itself takes.
 */
export async function roundTripVerdict(near: Connection, far: Connection, root: string): Promise<Verdict> {
  const [request, answer] = [`${root}/request`, `${root}/answer`];
  let arrived: () => void = () => undefined;
  await near.subscribe(answer, { qos: 1 }, () => arrived());
  await far.subscribe(request, { qos: 1 }, ({ qos }) =>
    far.publish(answer, '1', { qos: qos === 1 ? 1 : 0 }).catch(() => undefined),
  );
  const trip = async (bytes: number, qos: 0 | 1): Promise<number | null> => {
    const back = new Promise<boolean>((resolve) => (arrived = () => resolve(true)));
    const startMs = systemClock.monotonicMs();
    near.publish(request, new Uint8Array(bytes), { qos }).catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), PATIENCE_MS)));
    const came = await Promise.race([back, late]);
    clearTimeout(timer);
    return came ? systemClock.monotonicMs() - startMs : null;
  };
  const line = await median(() => trip(1, 0));
  const picture = line === null ? null : await median(() => trip(PICTURE_BYTES, 1));
  if (line === null || picture === null) return lost(root);
  const detail = `${ms(picture)} for ${PICTURE_BYTES / 1000} kB and back at QoS 1, ${ms(line)} for a byte (medians)`;
  if (picture - line < NAGLE_MS) return pass(detail);
  return warn(
    `${detail}: the broker holds small packets back, or the line is slow`,
    "set_tcp_nodelay true in mosquitto's configuration",
  );
}

function lost(topic: string): Verdict {
  return fail(`nothing came back on ${topic}`, 'give this user the right to publish and subscribe below it');
}

/** null as soon as one round is lost. */
async function median(trip: () => Promise<number | null>): Promise<number | null> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const time = await trip();
    if (time === null) return null;
    times.push(time);
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? null;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
