import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { answerSchema, errorAnswerSchema } from '../../protocol/messages.js';
import { findProgram, startMosquitto, withoutMosquitto } from '../support/broker.js';
import { Outside, startDevice, startServer } from '../support/system.js';

const run = promisify(execFile);
const SHOE = 'models/fashion-mnist/samples/sneaker.jpg';
const PYTHON = '/usr/bin/python3';

t.test(
  'mosquitto_pub is a camera: a JPEG file gives one result',
  { skip: withoutMosquitto() || (findProgram('mosquitto_pub') ? false : 'mosquitto_pub is not installed') },
  async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    await startServer(t, broker.url, 's1');
    await startDevice(t, broker.url, { device: 'd1' });
    t.ok(await outside.untilServed());
    await run('mosquitto_pub', ['-p', String(broker.port), '-t', 'cameras/door/frame', '-f', SHOE]);
    t.ok(await outside.untilResults(1));
    t.match(outside.results[0], { device: 'd1', camera: 'door', label: 'sneaker', zoo: 'fashion-mnist' });
    t.equal(outside.raw[0]?.topic, 'edgemux/d1/result/door');
  },
);

t.test(
  'a Python MQTT 5 client asks the server directly and gets its correlation data back',
  { skip: withoutMosquitto() || withoutPaho() },
  async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.stop());
    const outside = await Outside.connect(t, broker.url, 'd1');
    const server = await startServer(t, broker.url, 's1');
    const statuses: string[] = [];
    await outside.connection.subscribe('edgemux/cloud/s1/status', { qos: 1 }, (message) => {
      statuses.push(Buffer.from(message.payload).toString());
    });
    t.ok(await outside.until(() => statuses.some((status) => status.includes('"online"'))));
    const script = join('test', 'fixtures', 'ask_server.py');
    const ask = async (
      ...args: string[]
    ): Promise<{ topic: string; payload: unknown; correlation: string }> => {
      const { stdout } = await run(PYTHON, [script, '--port', String(broker.port), ...args]);
      return JSON.parse(stdout) as { topic: string; payload: unknown; correlation: string };
    };
    const good = await ask('--image', SHOE, '--response', 'edgemux/answer/s1/py/mine');
    t.equal(good.topic, 'edgemux/answer/s1/py/mine', 'its own response topic is honoured');
    t.equal(good.correlation, 'ticket-1');
    const answer = answerSchema.parse(good.payload);
    t.equal(answer.label, 'sneaker');
    t.equal(answer.server, 's1');
    const text = await ask('--image', 'package.json');
    t.equal(text.topic, 'edgemux/answer/s1/py/frame-1', 'without a response topic the contract names one');
    t.equal(errorAnswerSchema.parse(text.payload).error.code, 'IMAGE_NOT_AN_IMAGE');
    const foreign = await ask('--image', SHOE, '--response', 'edgemux/answer/s1/other/x');
    t.equal(errorAnswerSchema.parse(foreign.payload).error.code, 'REQUEST_REFUSED');
    t.equal(foreign.topic, 'edgemux/answer/s1/py/frame-1', 'a server publishes below the asking device only');
    await server.stop();
    t.ok(
      await outside.until(() => statuses.at(-1)?.includes('"offline"') === true),
      'a clean stop says offline',
    );
  },
);

function withoutPaho(): false | string {
  const found = spawnSync(PYTHON, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' }).status === 0;
  return found ? false : 'python3-paho-mqtt is not installed';
}
