import { BROKER_CASES } from './cases/broker.js';
import { PROCESS_CASES } from './cases/process.js';
import { shortTier } from './support/short-tier.js';

shortTier([...BROKER_CASES, ...PROCESS_CASES]);
