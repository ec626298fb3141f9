/** What listens at a port that does not behave like the broker it should be: doctor's second look. */
import net from 'node:net';
import tls from 'node:tls';

export interface PortLook {
  /** `none`: no connection is made; `other`: it talks, in a protocol of its own. */
  kind: 'mqtt' | 'tls' | 'http' | 'other' | 'silent' | 'none';
  /** The beginning of what it said, printable; empty where it said nothing. */
  said: string;
}

const LOOK_MS = 2000;
const MOST_BYTES = 512;
const SHOWN_CHARACTERS = 40;
/** First byte of a CONNACK (MQTT 3.1.1, clause 3.2.1), and of a TLS alert record with the major version (RFC 8446, 5.1). */
const CONNACK = 0x20;
const TLS_ALERT = [0x15, 0x03] as const;

/** CONNECT of MQTT 3.1.1 (clause 3.1): clean session, 10 s keep-alive, a client id of its own. */
function connectPacket(): Buffer {
  const id = Buffer.from('edgemux-doctor-look');
  const variable = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 10, 0, id.length]);
  return Buffer.concat([Buffer.from([0x10, variable.length + id.length]), variable, id]);
}

/** Speaks MQTT, TLS and HTTP to a port, each over a connection of its own, and tells which it understood. */
export async function lookAtPort(host: string, port: number, timeoutMs = LOOK_MS): Promise<PortLook> {
  const [mqtt, isTls, http] = await Promise.all([
    answerTo(connectPacket(), host, port, timeoutMs),
    speaksTls(host, port, timeoutMs),
    answerTo(Buffer.from('GET / HTTP/1.0\r\n\r\n'), host, port, timeoutMs),
  ]);
  if (mqtt === null && http === null) return { kind: 'none', said: '' };
  const said = mqtt?.length ? mqtt : (http ?? Buffer.alloc(0));
  return { kind: kindOf(mqtt, isTls, http), said: printable(said) };
}

function kindOf(mqtt: Buffer | null, isTls: boolean, http: Buffer | null): PortLook['kind'] {
  if (mqtt?.[0] === CONNACK) return 'mqtt';
  if (isTls || (mqtt?.[0] === TLS_ALERT[0] && mqtt[1] === TLS_ALERT[1])) return 'tls';
  if ([mqtt, http].some((answer) => answer?.toString('latin1').startsWith('HTTP/'))) return 'http';
  return mqtt?.length || http?.length ? 'other' : 'silent';
}

/** The first bytes that come back; empty where none do in time, null where no connection is made. */
function answerTo(question: Buffer, host: string, port: number, timeoutMs: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    let isOpen = false;
    const end = (answer: Buffer | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const none = (): void => end(isOpen ? Buffer.alloc(0) : null);
    const timer = setTimeout(none, timeoutMs);
    socket.once('connect', () => {
      isOpen = true;
      socket.write(question);
    });
    socket.once('data', (bytes: Buffer) => end(bytes.subarray(0, MOST_BYTES)));
    socket.once('error', none);
    socket.once('close', none);
  });
}

/** Whether a handshake succeeds, or ends in an alert of the other side. Certificates are not looked at. */
function speaksTls(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = tls.connect({ host, port, rejectUnauthorized: false, ...servername });
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('secureConnect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(/ALERT/.test(error.code ?? '')));
    socket.once('close', () => end(false));
  });
}

function printable(bytes: Buffer): string {
  const [line = ''] = bytes.toString('latin1').split(/[\r\n]/);
  return line.replaceAll(/[^\x20-\x7e]/g, '.').slice(0, SHOWN_CHARACTERS);
}
