import { LINK_CASES } from './cases/link.js';
import { SERVER_CASES } from './cases/server.js';
import { shortTier } from './support/short-tier.js';

shortTier([...SERVER_CASES, ...LINK_CASES]);
