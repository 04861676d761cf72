/** Where a PostgreSQL server is and how it is spoken to, checked before anything is connected. */
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { InputError } from "../../lifecycle";
import { shown } from "../../problems";

export interface PostgresOptions {
	/** Host name or address; or the folder of a Unix socket, which starts with a slash. */
	host: string;
	/** Port of the server. @default 5432 */
	port?: number | undefined;
	/** Name of the database. It exists; the tables in it are made. */
	database: string;
	/** Who logs in. */
	user: string;
	/** Password. A secret. @default none: the server asks for none, or for a certificate */
	password?: string | undefined;
	/**
	 * How the server is known to be the right one. Always on but for a Unix socket; false speaks in plain text, for a
	 * network that nobody else is in. @default the system's certificate authorities
	 */
	tls?: TlsOptions | false | undefined;
	/** How long to go on when the server has gone away, or does not answer. @default 30 */
	patienceSeconds?: number | undefined;
	/** How many connections at most. @default 4 */
	connections?: number | undefined;
}

export interface TlsOptions {
	/** Certificate of the authority that vouches for the server, as PEM. @default the system's authorities */
	ca?: string | undefined;
	/** This client's own certificate, as PEM. @default none */
	certificate?: string | undefined;
	/** The key of `certificate`, as PEM. A secret. @default none */
	key?: string | undefined;
	/** Name in the server's certificate. @default host */
	serverName?: string | undefined;
}

/** What `pg` wants to be told. */
export interface Connection {
	host: string;
	port: number;
	database: string;
	user: string;
	password?: string | undefined;
	ssl: false | Record<string, unknown>;
}

/** @throws InputError */
export function connectionOf(options: PostgresOptions): Connection {
	const { host, port = 5432, database, user, password, tls = {} } = options;
	for (const property of ["host", "database", "user"] as const) {
		if (options[property].trim() === "")
			throw new InputError(property, `got ""; allowed is the ${property} of the server`);
	}
	if (/[/@]/.test(host) && !host.startsWith("/")) {
		throw new InputError(
			"host",
			`got ${shown(host)}; allowed is a host name, an address, or the folder of a Unix socket: port, database and user are arguments of their own`,
		);
	}
	if (!Number.isInteger(port) || port < 1 || port > 65_535) {
		throw new InputError("port", `got ${shown(port)}; allowed is a whole number from 1 to 65535`);
	}
	const isSocket = host.startsWith("/");
	if (isSocket && options.tls) {
		throw new InputError("tls", `got it with the Unix socket ${host}, which has no TLS; leave it out`);
	}
	if (tls && (tls.certificate === undefined) !== (tls.key === undefined)) {
		const [given, lacking] = tls.key === undefined ? ["certificate", "key"] : ["key", "certificate"];
		throw new InputError(`tls.${lacking}`, `is missing; tls.${given} is given, and one is nothing without the other`);
	}
	return { host, port, database, user, password, ssl: isSocket || tls === false ? false : ssl(host, tls) };
}

function ssl(host: string, { ca, certificate, key, serverName = host }: TlsOptions): Record<string, unknown> {
	return {
		rejectUnauthorized: true,
		// The library would hold the certificate against the host, or nothing where that is an address.
		checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(serverName, shown),
		...(ca !== undefined && { ca }),
		...(certificate !== undefined && { cert: certificate, key }),
	};
}
