#!/usr/bin/env node
import { endWithReader } from '../common/exit.js';
import { closeInspector } from '../common/signals.js';
import { main } from './cli.js';

endWithReader();
closeInspector();
process.exitCode = await main(process.argv.slice(2));
