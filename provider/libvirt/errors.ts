/** The errors of the binding. None has a field `code`: gRPC, through which providers answer, takes that for a status. */

/** What a `LibvirtError` is made of; plain, so that it can come from a worker process. */
export interface LibvirtErrorDetails {
	/** What libvirt said. */
	reason: string;
	/** libvirt's number: `virErrorNumber`; 0 when the error came from QEMU's monitor. */
	libvirtCode: number;
	/** Its name: "VIR_ERR_NO_DOMAIN". "QMP_ERROR" when QEMU itself refused a monitor command. */
	errorName: string;
	/** The part of libvirt that it came from: "VIR_FROM_QEMU". */
	errorDomain: string;
	/** The function of libvirt's C API that failed, or the monitor command. */
	call: string;
	/** URI of the host, without passwords. */
	uri: string;
	/** QEMU's own error class, when QEMU refused a monitor command: "GenericError", "CommandNotFound"... */
	qmpClass?: string | undefined;
	/** What to do about it, where that is known. */
	advice?: string | undefined;
}

/** libvirt (or QEMU through it) refused a call. */
export class LibvirtError extends Error implements LibvirtErrorDetails {
	readonly reason: string;
	readonly libvirtCode: number;
	readonly errorName: string;
	readonly errorDomain: string;
	readonly call: string;
	readonly uri: string;
	readonly qmpClass: string | undefined;
	readonly advice: string | undefined;

	constructor(details: LibvirtErrorDetails) {
		const advice = details.advice === undefined ? "" : `\n${details.advice}`;
		super(`${details.reason} (${details.errorName} from ${details.call} on ${details.uri})${advice}`);
		this.name = "LibvirtError";
		this.reason = details.reason;
		this.libvirtCode = details.libvirtCode;
		this.errorName = details.errorName;
		this.errorDomain = details.errorDomain;
		this.call = details.call;
		this.uri = details.uri;
		this.qmpClass = details.qmpClass;
		this.advice = details.advice;
	}

	/** The plain fields, for the way through a process border. */
	details(): LibvirtErrorDetails {
		const { reason, libvirtCode, errorName, errorDomain, call, uri, qmpClass, advice } = this;
		return { reason, libvirtCode, errorName, errorDomain, call, uri, qmpClass, advice };
	}
}

/** A call took longer than its deadline and was given up. Whether it took effect on the host is not known. */
export class DeadlineError extends Error {
	constructor(
		/** The method: "domains.start". */
		readonly call: string,
		readonly uri: string,
		readonly deadlineSeconds: number,
		/** For transfers: bytes moved until then. */
		readonly bytes?: number | undefined,
	) {
		super(
			(bytes === undefined
				? `${call} on ${uri} took longer than ${deadlineSeconds} s and was given up`
				: `${call} on ${uri} made no progress for ${deadlineSeconds} s, ${bytes} bytes in, and was given up`) +
				": whether it took effect is not known. Look whether the host answers, or raise deadlineSeconds.",
		);
		this.name = "DeadlineError";
	}
}

/** The process that made a call ended during it, could not be started, or was ended by `close()`. */
export class WorkerError extends Error {
	constructor(
		/** The method: "domains.start". */
		readonly call: string,
		readonly uri: string,
		/** Completes "the libvirt worker ...". */
		readonly what: string,
	) {
		super(`${call} on ${uri}: the libvirt worker ${what}`);
		this.name = "WorkerError";
	}
}

/** A URI, or a text that may hold some, without the passwords in them. */
export function redact(text: string): string {
	return text
		.replace(/(\w+:\/\/[^\s/:@?#]*):[^\s/@?#]*@/g, "$1:***@")
		.replace(/([?&][^=&\s]*(?:pass|secret|token|key_?pw)[^=&\s]*=)[^&\s'"]*/gi, "$1***");
}
