/**
 * The worker that waits for events of domains: libvirt's own event loop runs in a second thread, one turn at a time, and
 * koffi brings its callbacks to this one.
 */
import { promisify } from "node:util";
import { redact } from "../errors";
import type { DomainEvent, LifecycleName } from "../events";
import { type ToWorker, toPlain } from "../protocol";
import { currentCall, initialize, libvirt, noQuestions, rawFunction, uuidString } from "./ffi";
import { koffi } from "./koffi";
import { endWithParent, say } from "./parent";
import type { Handle } from "./signatures";

type Domain = Handle<"domain">;

const KEEPALIVE_SECONDS = 5;
const KEEPALIVE_COUNT = 3;

/** By virDomainEventType. */
const LIFECYCLE: LifecycleName[] = [
	"defined",
	"undefined",
	"started",
	"suspended",
	"resumed",
	"stopped",
	"shutdown",
	"pmsuspended",
	"crashed",
];
/** By virConnectCloseReason. */
const CLOSE_REASONS = ["an error", "the end of the daemon", "no answer to keepalives", "its client"];

const protos = {
	lifecycle: koffi.proto("int clones_lifecycle(void *conn, void *dom, int event, int detail, void *opaque)"),
	agent: koffi.proto("void clones_agent(void *conn, void *dom, int state, int reason, void *opaque)"),
	device: koffi.proto("void clones_device(void *conn, void *dom, str alias, void *opaque)"),
	close: koffi.proto("void clones_close(void *conn, int reason, void *opaque)"),
	timeout: koffi.proto("void clones_timeout(int timer, void *opaque)"),
};

const callbacks: bigint[] = [];

function callback<P extends unknown[]>(proto: keyof typeof protos, run: (...parameters: P) => unknown): bigint {
	const pointer = koffi.register(run, koffi.pointer(protos[proto]));
	callbacks.push(pointer);
	return pointer;
}

function identity(domain: Domain): { uuid: string; name: string } {
	return {
		uuid: uuidString((buffer) => libvirt.virDomainGetUUIDString(domain, buffer)),
		name: libvirt.virDomainGetName(domain),
	};
}

function tell(event: DomainEvent): void {
	say({ type: "event", event });
}

function deviceCallback(type: "deviceRemoved" | "deviceRemovalFailed"): bigint {
	return callback("device", (_connection, domain: Domain, alias: string) => tell({ type, ...identity(domain), alias }));
}

/** By virDomainEventID. */
function handlers(): Array<[id: number, callback: bigint]> {
	const lifecycle = callback("lifecycle", (_connection, domain: Domain, event: number, detail: number) => {
		tell({ type: "lifecycle", ...identity(domain), event: LIFECYCLE[event] ?? "unknown", detail });
		return 0;
	});
	const agent = callback("agent", (_connection, domain: Domain, state: number) =>
		tell({ type: "agent", ...identity(domain), state: state === 1 ? "connected" : "disconnected" }),
	);
	return [
		[0, lifecycle],
		[15, deviceCallback("deviceRemoved")],
		[18, agent],
		[22, deviceCallback("deviceRemovalFailed")],
	];
}

let stopping = false;

/** Wakes the event loop up, so that its present turn ends. */
function stop(): void {
	if (stopping) return;
	stopping = true;
	libvirt.virEventAddTimeout(
		0,
		callback("timeout", () => {}),
		null,
		null,
	);
}

async function watch(uri: string): Promise<void> {
	currentCall.shownUri = redact(uri);
	const connection = libvirt.virConnectOpenAuth(uri, noQuestions(), 0);
	const closed = callback("close", (_connection, reason: number) => {
		say({ type: "disconnected", reason: CLOSE_REASONS[reason] ?? "an unknown reason" });
		stop();
	});
	libvirt.virConnectRegisterCloseCallback(connection, closed, null, null);
	keepAlive(connection);
	const registered = handlers().map(([id, pointer]) =>
		libvirt.virConnectDomainEventRegisterAny(connection, null, id, pointer, null, null),
	);
	say({ type: "ready" });
	const turn = promisify(rawFunction("virEventRunDefaultImpl").async);
	while (!stopping) await turn();
	end(connection, registered, closed);
}

/** Not every driver has keepalives; those without have no network either. */
function keepAlive(connection: Handle<"connection">): void {
	try {
		libvirt.virConnectSetKeepAlive(connection, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
	} catch {
		// As said.
	}
}

/** The loop has ended: nothing calls back any more, and the callbacks can be given back. */
function end(connection: Handle<"connection">, registered: number[], closed: bigint): void {
	const attempts = [
		...registered.map((id) => () => libvirt.virConnectDomainEventDeregisterAny(connection, id)),
		() => libvirt.virConnectUnregisterCloseCallback(connection, closed),
		() => libvirt.virConnectClose(connection),
	];
	for (const attempt of attempts) {
		try {
			attempt();
		} catch {
			// The connection is broken: nothing is left to be undone.
		}
	}
	for (const pointer of callbacks) koffi.unregister(pointer);
	if (process.connected) process.disconnect();
}

endWithParent();
initialize();
libvirt.virEventRegisterDefaultImpl();
process.on("disconnect", stop);
process.on("message", (message: ToWorker) => {
	if (message.type === "close") stop();
	if (message.type !== "watch") return;
	watch(message.uri).catch((error) => {
		say({ type: "failure", error: toPlain(error) });
		process.disconnect();
	});
});
