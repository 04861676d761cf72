/**
 * The provider process: lines for the engine's display, work that must not be cut off, and the end of the process when
 * the engine is gone.
 */
import { createRequire } from "node:module";
import { closeAll } from "./libvirt";
import { finishRefreshes } from "./volume/refresh";

let running = 0;
let engineGone = false;
const ending = new AbortController();

/** Aborted when the engine is gone. */
export const engineEnd: AbortSignal = ending.signal;

/**
 * Runs one operation of the engine's. While any runs, the process stays; a new one is refused once the engine is gone,
 * because nobody would record what it does.
 */
export async function operation<T>(work: () => Promise<T>): Promise<T> {
	if (engineGone) throw new Error("the engine has ended; nothing new is started");
	running++;
	try {
		return await work();
	} finally {
		running--;
		if (engineGone) leaveWhenIdle();
	}
}

/**
 * A killed CLI leaves its provider processes behind; the one sign that they get is the end of standard input. Steps
 * that are under way are finished (each either completes or undoes itself), then the process ends.
 */
export function endWithEngine(): void {
	if (!process.argv[1]?.includes("dynamic-provider")) return;
	process.stdin.on("end", () => {
		engineGone = true;
		ending.abort();
		leaveWhenIdle();
	});
	process.stdin.on("error", () => {});
	process.stdin.resume();
	process.stdin.unref?.();
}

function leaveWhenIdle(): void {
	if (running > 0) return;
	void finishRefreshes()
		.then(closeAll)
		.finally(() => process.exit(0));
}

/** Structural types of the parts of the SDK that the log needs; they are not part of its public interface. */
interface EngineModules {
	client: { log(request: unknown, callback: (error: unknown) => void): void };
	LogRequest: new () => {
		setSeverity(severity: number): void;
		setMessage(message: string): void;
		setUrn(urn: string): void;
		setEphemeral(ephemeral: boolean): void;
	};
}

let modules: EngineModules | undefined | null;

/**
 * Shows a line under a resource.
 * @param urn the resource's URN; without it the line is shown under the stack
 */
export function logLine(urn: string | undefined, message: string, severity: "info" | "warning" = "info"): void {
	modules ??= loadEngine();
	if (!modules) return;
	const request = new modules.LogRequest();
	request.setSeverity(severity === "warning" ? 2 : 1);
	request.setMessage(message);
	if (urn) request.setUrn(urn);
	modules.client.log(request, () => {});
}

/** The engine's address is the last argument of a provider process; elsewhere there is no engine to talk to. */
function loadEngine(): EngineModules | null {
	const address = process.argv[2];
	if (!process.argv[1]?.includes("dynamic-provider") || !address) return null;
	try {
		// gRPC is the SDK's dependency, not ours: it resolves from there whatever the package manager.
		const sdk = createRequire(require.resolve("@pulumi/pulumi/package.json"));
		const grpc = sdk("@grpc/grpc-js");
		const { EngineClient } = sdk("@pulumi/pulumi/proto/engine_grpc_pb");
		const { LogRequest } = sdk("@pulumi/pulumi/proto/engine_pb");
		return { client: new EngineClient(address, grpc.credentials.createInsecure()), LogRequest };
	} catch {
		return null;
	}
}
