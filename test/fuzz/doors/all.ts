import type { Door } from '../door.js';
import { brokerLine } from './broker-line.js';
import { device } from './device.js';
import { images } from './images.js';
import { messages } from './messages.js';
import { models } from './models.js';
import { server } from './server.js';
import { settings } from './settings.js';
import { zoos } from './zoos.js';

/** Every way in: 20,000 cases together. */
export const DOORS: readonly Door[] = [images, messages, settings, zoos, models, brokerLine, server, device];
