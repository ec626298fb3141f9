/** A program that holds the lock of a folder until it is killed: `holder.js DIR`. */
import { FolderLock } from '../../../journal/lock.js';

new FolderLock(process.argv[2] ?? '').acquire();
process.stdout.write('held\n');
setInterval(() => undefined, 1e6);
