/** libvirt for the rest of the package: the only place that knows libvirt's library. */
export type * from "./api";
export { hostPart, reflinkSupported } from "./capabilities";
export { DeadlineError, LibvirtError, type LibvirtErrorDetails, redact, WorkerError } from "./errors";
export {
	type AgentEvent,
	type DeviceEvent,
	type DomainEvents,
	DomainWatcher,
	type LifecycleEvent,
	type LifecycleName,
	type NextOptions,
	watchDomains,
} from "./events";
export { closeAll, connect } from "./host";
export type * from "./migration";
