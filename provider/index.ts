/**
 * What the engine's provider process loads by name: one handler a resource. See `dynamic.ts` for how a resource names
 * its handler.
 */
import { domain } from "./domain/lifecycle";
import { endWithEngine } from "./engine";
import { guard } from "./guard/lifecycle";
import { identity } from "./identity/lease/lifecycle";
import { identityPool } from "./identity/pool/lifecycle";
import type { Lifecycle, RecordedInputs } from "./lifecycle";
import { network } from "./network/lifecycle";
import { pool } from "./pool/lifecycle";
import { type Handler, handlerOf } from "./resource";
import { withSmallState } from "./small-state";
import { volume } from "./volume/lifecycle";

endWithEngine();

export const Guard = recorded(guard);
export const StoragePool = recorded(pool);
export const Volume = recorded(volume);
export const Network = recorded(network);
export const Domain = recorded(domain);
export const IdentityPool = recorded(identityPool);
export const Identity = recorded(identity);

function recorded<Inputs extends RecordedInputs, Facts extends object>(lifecycle: Lifecycle<Inputs, Facts>): Handler {
	return withSmallState(lifecycle, handlerOf(lifecycle));
}
