/** Events of a host's domains, pushed by libvirt. One worker process per URI serves all who watch it. */
import { EventEmitter, on } from "node:events";
import { redact } from "./errors";
import { EventSource } from "./source";

export type LifecycleName =
	| "defined"
	| "undefined"
	| "started"
	| "suspended"
	| "resumed"
	| "stopped"
	| "shutdown"
	| "pmsuspended"
	| "crashed"
	| "unknown";

interface Subject {
	uuid: string;
	name: string;
}

/** `detail` is libvirt's number, its meaning depends on the event: virDomainEventStoppedDetailType and others. */
export type LifecycleEvent = Subject & { event: LifecycleName; detail: number };
/** The guest agent's end of its channel was opened or closed. */
export type AgentEvent = Subject & { state: "connected" | "disconnected" };
/** The guest let go of a device, or refused to. */
export type DeviceEvent = Subject & { alias: string };

export type DomainEvent =
	| ({ type: "lifecycle" } & LifecycleEvent)
	| ({ type: "agent" } & AgentEvent)
	| ({ type: "deviceRemoved" | "deviceRemovalFailed" } & DeviceEvent);

export interface DomainEvents {
	lifecycle: [LifecycleEvent];
	agent: [AgentEvent];
	deviceRemoved: [DeviceEvent];
	deviceRemovalFailed: [DeviceEvent];
	/** Events arrive from now on; also after each reconnection: look at the domains, events were missed. */
	connected: [];
	/** The host or the worker is gone: no events until "connected". Reconnection goes on until `close()`. */
	disconnected: [reason: string];
}

export interface NextOptions {
	/** Seconds until the wait is given up with an error. */
	deadlineSeconds: number;
	signal?: AbortSignal;
}

/** A view on the events of one host. Does not keep the process running by itself; `ready()` and `next()` do. */
export class DomainWatcher extends EventEmitter<DomainEvents> {
	constructor(
		readonly uri: string,
		private readonly source: EventSource,
	) {
		super();
		// Dozens may wait for an event each.
		this.setMaxListeners(0);
		source.add(this);
	}

	/** Resolves when events arrive. Rejects with a LibvirtError or WorkerError when the host cannot be reached. */
	ready(): Promise<void> {
		return this.source.ready();
	}

	/**
	 * The next event that matches. Look at the domain's state after the call of this method and before awaiting it: the
	 * event may have happened before.
	 * @throws an error that names the event when it has not come in time; the signal's reason when that ends the wait
	 */
	async next<Name extends "lifecycle" | "agent" | "deviceRemoved" | "deviceRemovalFailed">(
		name: Name,
		matches: (event: DomainEvents[Name][0]) => boolean,
		{ deadlineSeconds, signal }: NextOptions,
	): Promise<DomainEvents[Name][0]> {
		const late = new AbortController();
		const timer = setTimeout(
			() => late.abort(new Error(`no such ${name} event from ${redact(this.uri)} within ${deadlineSeconds} s`)),
			deadlineSeconds * 1000,
		);
		const ending = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
		try {
			for await (const [event] of on(this, name, { signal: ending })) if (matches(event)) return event;
			throw new Error("unreachable: the events never end by themselves");
		} catch (error) {
			throw ending.aborted ? ending.reason : error;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Ends this view; the worker ends some seconds after the last one. */
	async close(): Promise<void> {
		this.removeAllListeners();
		this.source.remove(this);
	}
}

const sources = new Map<string, EventSource>();

/** Watches the domains of the host at a libvirt URI. */
export function watchDomains(uri: string): DomainWatcher {
	let source = sources.get(uri);
	if (source === undefined) {
		source = new EventSource(uri, () => sources.delete(uri));
		sources.set(uri, source);
	}
	return new DomainWatcher(uri, source);
}

/** Ends all event workers of this process, and waits for their end. */
export async function closeWatchers(): Promise<void> {
	await Promise.all([...sources.values()].map((source) => source.end()));
}
