import { z } from 'zod';
import { LOG_FORMATS } from '../log-format.js';
import { LOG_LEVELS } from '../log.js';

/** The `log` section, the same for device and server. */
export const logSchema = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').meta({ description: 'least level that is logged' }),
  format: z.enum(LOG_FORMATS).default('auto').meta({
    description:
      'json: a JSON object a line; pretty: for people, times local; auto: pretty on a terminal, else json',
  }),
});

/** The `watchdog` section, the same for device and server. */
export const watchdogSchema = z.strictObject({
  stallS: z.number().min(0.1).max(86_400).default(30).meta({
    unit: 's',
    description: 'work that stands still for so long is a stall: state says so, systemd gets no more pings',
  }),
});
