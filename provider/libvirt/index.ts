/** libvirt for the rest of the package: the only place that knows libvirt's library. */
export type * from "./api";
export { DeadlineError, LibvirtError, type LibvirtErrorDetails, redact, WorkerError } from "./errors";
export { closeAll, connect } from "./host";
