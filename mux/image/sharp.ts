/**
 * The one place that talks to sharp (libvips).
 *
 * libvips keeps no cache here (no two frames are alike) and uses one thread an image: frames run beside each
 * other on libuv's pool, and the inference worker needs the remaining cores.
 */
import sharp from 'sharp';
import { LOADERS } from './formats/registry.js';

sharp.cache(false);
sharp.concurrency(1);
// Only the formats that admission knows: libvips would also read SVG, PDF, TIFF … from a hostile payload.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: [...LOADERS] });

export { sharp };
export type { KernelEnum, Metadata, Sharp } from 'sharp';
