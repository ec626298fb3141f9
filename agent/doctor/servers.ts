/** Whether a server for our zoo is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pass, skip, warn, type Verdict } from '../../common/doctor/checks.js';
import { silentLog } from '../../common/log.js';
import type { Zoo } from '../../mux/zoo/zoo.js';
import type { ConnectedChecks } from '../../protocol/doctor.js';
import { cloudStatusFilter, parseCloudStatusTopic } from '../../protocol/topics/topics.js';
import { Servers, zooOf } from '../offload/servers.js';

/** Retained messages come at once; this is for slow lines. */
const LISTEN_MS = 1000;

/** @param offloads whether the policy ever asks a server */
export function serverChecks(base: string, zoo: () => Promise<Zoo>, offloads: boolean): ConnectedChecks {
  return {
    checks: { server: 'server' },
    run: async (connection, report) => {
      if (!offloads) return report('server', skip('the policy asks no server'));
      const loaded = await zoo().catch(() => null);
      if (loaded === null) return report('server', skip('not looked at: zoo failed'));
      const servers = new Servers({ log: silentLog() }, zooOf(loaded));
      await connection.subscribe(cloudStatusFilter(base), { qos: 1 }, (message) => {
        const server = parseCloudStatusTopic(base, message.topic);
        if (server !== null) servers.receive(server, message);
      });
      await sleep(LISTEN_MS);
      report('server', verdict(servers, loaded));
    },
  };
}

function verdict(servers: Servers, zoo: Zoo): Verdict {
  const seen = servers.list();
  const usable = seen.filter((one) => one.usable).map(({ server }) => server);
  if (usable.length > 0) return pass(`${usable.join(', ')} for zoo ${zoo.name}`);
  if (servers.problem !== null)
    return warn(servers.problem, 'upgrade it: device and server of the same version do');
  const others = seen.filter(({ state }) => state !== 'offline');
  if (others.length > 0) {
    const names = others.map(({ server }) => server).join(', ');
    return warn(
      `${names}: online, but not with zoo ${zoo.name} as it is here`,
      'give both sides the same zoo folder',
    );
  }
  return warn(
    `none is online: hard frames fall back to the device`,
    'start `edgemux-cloud run` with the same broker',
  );
}
