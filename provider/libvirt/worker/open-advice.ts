/** What to do about a connection that cannot be opened: libvirt says what failed, and rarely why. */
import { redact } from "../errors";

interface Advice {
	/** Which transports of a URI it is about: "ssh", "tls", "tcp", or "" for the local socket. @default all */
	transports?: ReadonlyArray<string>;
	reason: RegExp;
	advice: string | ((reason: string) => string);
}

const SSH = ["ssh", "libssh", "libssh2"];

/** The first that fits counts: what ssh says of a refusal reads like what a socket says. */
const KNOWN: ReadonlyArray<Advice> = [
	{
		transports: SSH,
		reason: /host key verification failed|host key/i,
		advice: "ssh does not know the host's key: connect once by hand and compare it, or add it with ssh-keyscan.",
	},
	{
		transports: SSH,
		reason: /permission denied|authentication|no supported auth/i,
		advice:
			"ssh did not let this user in: put the key there (ssh-copy-id), or name user and key in the URI " +
			"(qemu+ssh://USER@HOST/system?keyfile=PATH). Where ssh does, the user needs access to libvirt there (group libvirt).",
	},
	{
		transports: SSH,
		reason: /connection refused|timed out|no route|not resolve|unreachable/i,
		advice: "ssh does not get there: look at the URI's host and port, at the firewall, and whether sshd runs.",
	},
	{
		transports: SSH,
		reason: /command not found|virt-ssh-helper|\bnc\b|netcat/i,
		advice: "The other host needs libvirt's daemon package, or netcat: install it there.",
	},
	{
		transports: ["tls"],
		reason: /certificate|\.pem/i,
		advice:
			"qemu+tls needs certificates: install the CA's, the client's and its key (/etc/pki/CA, /etc/pki/libvirt, " +
			"or ?pkipath=PATH in the URI), or use qemu+ssh.",
	},
	{
		transports: ["tls", "tcp"],
		reason: /connection refused|timed out|no route|resolve|unreachable/i,
		advice:
			"Nothing answers at that port: look at the URI's host, at the firewall, and whether the host listens " +
			"(libvirtd-tls.socket or virtproxyd-tls.socket; -tcp for qemu+tcp).",
	},
	{
		reason: /permission denied/i,
		advice: "Run as a user who may use the libvirt socket (group libvirt on most systems), or name another URI.",
	},
	{
		reason: /authentication|polkit/i,
		advice: "Give this user access (polkit rule or group libvirt), or put the credentials into libvirt's auth.conf.",
	},
	{
		transports: ["", "unix"],
		reason: /no such file|connection refused/i,
		advice: (reason) => {
			const socket = /'([^']*)'/.exec(reason)?.[1];
			return (
				"Is libvirt running there? Start it (systemctl start libvirtd, or virtqemud.socket where the daemons are split)" +
				(socket === undefined ? "." : `, or correct the socket's path: ${socket}.`)
			);
		},
	},
];

/** @param reason what libvirt said */
export function openAdvice(reason: string, uri: string): string {
	const transport = transportOf(uri);
	const found = KNOWN.find(
		({ transports, reason: fits }) => (transports?.includes(transport) ?? true) && fits.test(reason),
	);
	if (!found) return `Try it by hand: virsh -c '${redact(uri)}' version`;
	return typeof found.advice === "string" ? found.advice : found.advice(reason);
}

/** A host without a transport is reached by TLS. */
function transportOf(uri: string): string {
	const [, transport, host] = /^[a-z]+(?:\+([a-z0-9]+))?:\/\/([^/?]*)/.exec(uri) ?? [];
	return transport ?? (host ? "tls" : "");
}
