import { TRUST_CASES } from './cases/trust.js';
import { shortTier } from './support/short-tier.js';

shortTier(TRUST_CASES);
