import { z } from 'zod';
import { LOG_LEVELS } from '../log.js';

/** The `log` section, the same for device and server. */
export const logSchema = z.strictObject({
  level: z.enum(LOG_LEVELS).default('info').meta({ description: 'least level that is logged' }),
});
