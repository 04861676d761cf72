/**
 * What the engine's provider process loads by name: one handler a resource. See `dynamic.ts` for how a resource names
 * its handler.
 */
import { domain } from "./domain/lifecycle";
import { endWithEngine } from "./engine";
import { guard } from "./guard/lifecycle";
import { network } from "./network/lifecycle";
import { pool } from "./pool/lifecycle";
import { handlerOf } from "./resource";
import { volume } from "./volume/lifecycle";

endWithEngine();

export const Guard = handlerOf(guard);
export const StoragePool = handlerOf(pool);
export const Volume = handlerOf(volume);
export const Network = handlerOf(network);
export const Domain = handlerOf(domain);
