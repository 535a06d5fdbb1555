/** Entry of a worker thread. Compiled code is kept between starts, so the rest is loaded only after saying so. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./node-worker.ts');
