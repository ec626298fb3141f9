import { z } from 'zod';
import {
  devicePolicyPatchSchema,
  devicePolicySchema,
  deviceStateSchema,
  powerMessageSchema,
  resultSchema,
  ROUTES,
} from '../../protocol/messages.js';
import { metricsRoute } from '../metrics-route.js';
import { json, text, type Route, type RouteReply } from '../route.js';
import { deviceMetrics } from './metrics.js';
import type { DeviceSubject } from './subject.js';

const cameraSchema = z.object({
  camera: z.string(),
  region: z.string().nullable(),
  results: z.number(),
  lastMs: z.number().meta({ description: 'wall clock of the last result, ms since the epoch' }),
  ratePerS: z.number(),
  energyJ: z.number().nullable(),
  hasPicture: z.boolean(),
  last: resultSchema.nullable(),
});
const minuteSchema = z.object({
  startMs: z.number(),
  routes: z.record(z.enum(ROUTES), z.number()),
  meanMs: z.number().nullable(),
  energyJ: z.number().nullable(),
});

/** Everything of a device that can be asked for. */
export function deviceRoutes(subject: DeviceSubject): Route[] {
  return [
    ...healthRoutes(subject),
    metricsRoute(() => deviceMetrics(subject)),
    {
      method: 'GET',
      path: '/api/state',
      summary: 'what the device is doing, as on its state topic',
      answers: deviceStateSchema,
      handle: () => json(subject.state()),
    },
    {
      method: 'GET',
      path: '/api/power',
      summary: 'its rails over the last second, as on its power topic; null without rails',
      answers: powerMessageSchema.nullable(),
      handle: () => json(subject.power()),
    },
    ...cameraRoutes(subject),
    ...policyRoutes(subject),
  ];
}

function healthRoutes({ connected, state }: DeviceSubject): Route[] {
  const saying = (ok: boolean, why: string): RouteReply => text(ok ? 'ok' : why, ok ? 200 : 503);
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'whether frames can be answered: 200, or 503 with the reason',
      answers: 'text/plain',
      handle: () => saying(state().health.status !== 'failed', 'failed; /api/state says why'),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'whether frames come and results go: 200, or 503 with the reason',
      answers: 'text/plain',
      handle: () => {
        if (!connected()) return saying(false, 'the broker is not connected');
        return saying(state().health.status !== 'failed', 'failed; /api/state says why');
      },
    },
  ];
}

function cameraRoutes({ observer, state }: DeviceSubject): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/cameras',
      summary: 'the last result of every camera',
      answers: z.array(cameraSchema),
      handle: () => json(observer.cameras()),
    },
    {
      method: 'GET',
      path: '/api/cameras/:camera/picture',
      summary: 'its last picture (?region= of a region), where http.pictures is on',
      answers: 'image/*',
      handle: ({ params, query }) => {
        const strict = state().policy.privacy === 'strict';
        const picture = strict ? null : observer.picture(params['camera'] ?? '', query['region'] ?? null);
        if (picture === null)
          return json({ error: { message: 'no picture is kept: see http.pictures' } }, 404);
        return { status: 200, type: mediaType(picture), body: picture };
      },
    },
    {
      method: 'GET',
      path: '/api/history',
      summary: 'the last hour by minute',
      answers: z.array(minuteSchema),
      handle: () => json(observer.history()),
    },
  ];
}

function policyRoutes({ patchPolicy, state }: DeviceSubject): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/policy',
      summary: 'what frames are decided by',
      answers: devicePolicySchema,
      handle: () => json(state().policy),
    },
    {
      method: 'PATCH',
      path: '/api/policy',
      summary:
        'changes any part of the policy, as policy/set over MQTT does; null takes back all that was set so',
      takes: devicePolicyPatchSchema.nullable(),
      answers: devicePolicySchema,
      handle: ({ body }) => json(patchPolicy(body)),
    },
  ];
}

/** By the first bytes; admission has let nothing else in. */
function mediaType(picture: Uint8Array): string {
  if (picture[0] === 0xff) return 'image/jpeg';
  return picture[0] === 0x89 ? 'image/png' : 'image/webp';
}
