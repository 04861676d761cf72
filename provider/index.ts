/**
 * What the engine's provider process loads by name: one handler a resource. See `dynamic.ts` for how a resource names
 * its handler.
 */
import { domain } from "./domain/lifecycle";
import { endWithEngine } from "./engine";
import { forkPoint } from "./fork/lifecycle";
import { guard } from "./guard/lifecycle";
import { cloneHosts } from "./init/hosts/lifecycle";
import { injection } from "./init/injection/lifecycle";
import { cloneSource } from "./init/source/lifecycle";
import { sourceStop } from "./init/source-stop/lifecycle";
import type { Lifecycle, RecordedInputs } from "./lifecycle";
import { morphTemplate } from "./morph-template/lifecycle";
import { network } from "./network/lifecycle";
import { pool } from "./pool/lifecycle";
import { type Handler, handlerOf } from "./resource";
import { withSmallState } from "./small-state";
import { templateRequests } from "./templates/lifecycle";
import { volume } from "./volume/lifecycle";

endWithEngine();

export const Guard = recorded(guard);
export const StoragePool = recorded(pool);
export const Volume = recorded(volume);
export const Network = recorded(network);
export const Domain = recorded(domain);
export const ForkPoint = recorded(forkPoint);
export const Injection = recorded(injection);
export const CloneHosts = recorded(cloneHosts);
export const CloneSource = recorded(cloneSource);
export const SourceStop = recorded(sourceStop);
export const TemplateRequests = recorded(templateRequests);
export const MorphTemplate = recorded(morphTemplate);
/** Most programs have no identities: what they need is loaded with the first. */
const poolModule = () => require("./identity/pool/lifecycle") as typeof import("./identity/pool/lifecycle");
const lesseesModule = () => require("./identity/lessees/lifecycle") as typeof import("./identity/lessees/lifecycle");
const leaseModule = () => require("./identity/lease/lifecycle") as typeof import("./identity/lease/lifecycle");
export const IdentityPool = later(() => recorded(poolModule().identityPool));
export const Identity = later(() => recorded(leaseModule().identity));
export const Lessees = later(() => recorded(lesseesModule().lessees));

function recorded<Inputs extends RecordedInputs, Facts extends object>(lifecycle: Lifecycle<Inputs, Facts>): Handler {
	return withSmallState(lifecycle, handlerOf(lifecycle));
}

function later(load: () => Handler): Handler {
	let loaded: Handler | undefined;
	const handler = () => {
		loaded ??= load();
		return loaded;
	};
	return {
		check: (...parameters) => handler().check(...parameters),
		diff: (...parameters) => handler().diff(...parameters),
		create: (...parameters) => handler().create(...parameters),
		read: (...parameters) => handler().read(...parameters),
		update: (...parameters) => handler().update(...parameters),
		delete: (...parameters) => handler().delete(...parameters),
	};
}
