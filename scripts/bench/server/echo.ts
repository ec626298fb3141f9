/** The far end of the raw round trip: `node echo.js URL BASE BYTES` answers each request with so many bytes, QoS 0. */
import { answerTopic, parseOffloadTopic } from '../../../protocol/topics/topics.js';
import { connect } from '../broker.js';

if (process.argv[1] === import.meta.filename) {
  const [url = '', base = '', bytes = '0'] = process.argv.slice(2);
  const connection = await connect(url, 'edgemux-bench-server-echo');
  const answer = Buffer.from(JSON.stringify({ padding: 'x'.repeat(Number(bytes)) }).slice(0, Number(bytes)));
  await connection.subscribe(`${base}/offload/echo/+/+/+/+`, { qos: 0 }, ({ topic }) => {
    const request = parseOffloadTopic(base, topic);
    if (request)
      void connection.publish(answerTopic(base, { ...request, server: 'echo' }), answer, { qos: 0 });
  });
  await connection.publish(`${base}/cloud/echo/status`, '{"state":"online"}', { qos: 1, retain: true });
  process.once('SIGTERM', () => process.exit(0));
}
