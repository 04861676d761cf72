/** What is wrong with a connection that could not be made, and which setting would help. */
import type { PeerCertificate } from "node:tls";
import { DirectoryError, reason } from "./errors";
import type { ServerSettings } from "./schema";

const unknownAuthority = new Set([
	"DEPTH_ZERO_SELF_SIGNED_CERT",
	"SELF_SIGNED_CERT_IN_CHAIN",
	"UNABLE_TO_GET_ISSUER_CERT",
	"UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	"UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	"CERT_SIGNATURE_FAILURE",
	"CERT_UNTRUSTED",
	"INVALID_CA",
]);

/** Made of an error of node:net or node:tls. */
export function connectionProblem(error: unknown, settings: ServerSettings): DirectoryError {
	if (error instanceof DirectoryError) return error;
	const [setting, problem] = describe(error as Failure, settings);
	return new DirectoryError(settings.url, setting, problem, { cause: error });
}

interface Failure extends Error {
	code?: string;
	cert?: PeerCertificate;
}

function describe(error: Failure, settings: ServerSettings): [string, string] {
	const { code = "" } = error;
	const { url, ca, caFile, serverName } = settings;
	const { hostname } = new URL(url);
	if (unknownAuthority.has(code)) {
		const setting = caFile !== undefined ? "caFile" : "ca";
		const given =
			ca === undefined && caFile === undefined
				? "none is given, so only the authorities that Node.js knows are trusted"
				: "it is not signed by what is given";
		return [
			setting,
			`the directory's certificate is not trusted (${code}): ${given}. Give the certificate of the authority that signed it`,
		];
	}
	switch (code) {
		case "ERR_TLS_CERT_ALTNAME_INVALID": {
			const setting = serverName === undefined ? "url" : "serverName";
			return [
				setting,
				`got the name ${serverName ?? hostname}, but the directory's certificate is for ${namesIn(error.cert)}: use that name in url, or give it as serverName`,
			];
		}
		case "CERT_HAS_EXPIRED":
		case "CERT_NOT_YET_VALID":
			return [
				"url",
				`the directory's certificate is not valid at this time (${reason(error)}): renew it, or set the clock`,
			];
		case "ENOTFOUND":
		case "EAI_AGAIN":
			return [
				"url",
				`no address is known for ${hostname} (${code}): correct the name, or the DNS server of this machine`,
			];
		case "ECONNREFUSED":
			return ["url", "nothing accepts connections there (ECONNREFUSED): start the directory, or correct host and port"];
		case "ETIMEDOUT":
		case "EHOSTUNREACH":
		case "ENETUNREACH":
			return [
				"url",
				`the directory does not answer (${reason(error)}): look at the network and firewalls between, or raise timeoutSeconds`,
			];
		case "EPROTO":
		case "ERR_SSL_WRONG_VERSION_NUMBER":
		case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
		case "ECONNRESET":
			return [
				"url",
				`the directory ended the connection or does not speak TLS there (${code}): ldaps:// is for its TLS port (usually 636), startTls for the other one (usually 389)`,
			];
		default:
			return ["url", `the connection could not be made: ${reason(error)}`];
	}
}

/** "dc1.example.com, dc1". */
function namesIn(certificate: PeerCertificate | undefined): string {
	const names = certificate?.subjectaltname?.replace(/(?:DNS|IP Address):/g, "") || certificate?.subject?.CN;
	return names ? [names].flat().join(", ") : "no name at all";
}
