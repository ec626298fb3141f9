/**
 * The far end of the raw MQTT hop: `node echo.js URL RESULT_BYTES`, until SIGTERM. Subscribes to frames as the daemon
 * does (QoS 0) and answers each with as many bytes as a result has (QoS 1).
 */
import { connect } from '../broker.js';

export const HOP_FRAMES = 'hop/frame/';
export const HOP_RESULTS = 'hop/result/';
export const HOP_READY = 'hop/ready';

if (process.argv[1] === import.meta.filename) {
  const [url = '', resultBytes = '0'] = process.argv.slice(2);
  const connection = await connect(url, 'edgemux-bench-echo');
  const result = Buffer.alloc(Number(resultBytes), 'x');
  await connection.subscribe(`${HOP_FRAMES}+`, { qos: 0 }, ({ topic }) => {
    void connection.publish(HOP_RESULTS + topic.slice(HOP_FRAMES.length), result, { qos: 1 });
  });
  await connection.publish(HOP_READY, 'ready', { qos: 1, retain: true });
  process.once('SIGTERM', () => process.exit(0));
}
