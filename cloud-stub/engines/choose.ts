import type { CreateEngine } from './engine.js';
import { createOnnxRuntime } from './onnxruntime.js';

/** The engine of this server. Nothing else of the server knows which ones there are. */
export const chooseEngine: CreateEngine = (deps, options) => createOnnxRuntime(deps, options);
