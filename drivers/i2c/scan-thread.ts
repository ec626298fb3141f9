/** Entry of the thread that scans buses: transfers block, and `i2c-bus` belongs into no other thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { openI2cBus } from './i2c-bus.js';
import { scanBus } from './scan.js';

parentPort?.postMessage((workerData as number[]).map((number) => scanBus(openI2cBus(number), number)));
