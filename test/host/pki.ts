/** Certificates for libvirtd and QEMU of private hosts, from authorities that are made for the purpose. */
import { execFile } from "node:child_process";
import { appendFile, chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestHost } from "../../tools/testhost";

const run = promisify(execFile);
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
/** Where a host has the certificates of libvirtd, as it sees it: for `?pkipath=`. */
export const LIBVIRT_PKI = "/etc/libvirt/pki/libvirt";
const QEMU_PKI = "/etc/libvirt/pki/qemu";

export class Authority {
	private constructor(private readonly folder: string) {}

	/** @param folder is made */
	static async make(folder: string): Promise<Authority> {
		await mkdir(folder);
		const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
		await run("openssl", ["req", "-x509", ...NEW_KEY, ...files, "-days", "2", "-subj", "/CN=authority"]);
		return new Authority(folder);
	}

	/** Has libvirtd listen for TLS, with these certificates, and QEMU have such as well. Restarts libvirtd. */
	async giveTo(host: TestHost): Promise<void> {
		await this.certify(host, "libvirt", { ca: "cacert", server: "server", client: "client" });
		await this.giveToQemu(host);
		const etc = join(host.directory, "etc");
		const settings = `ca_file = "${LIBVIRT_PKI}/cacert.pem"
cert_file = "${LIBVIRT_PKI}/servercert.pem"
key_file = "${LIBVIRT_PKI}/serverkey.pem"
`;
		const text = await readFile(join(etc, "libvirtd.conf"), "utf8");
		await writeFile(join(etc, "libvirtd.conf"), text.replace("listen_tls = 0", "listen_tls = 1") + settings);
		await appendFile(join(etc, "qemu.conf"), `default_tls_x509_cert_dir = "${QEMU_PKI}"\n`);
		await host.restartLibvirtd();
	}

	/** QEMU reads them for each migration anew. */
	async giveToQemu(host: TestHost): Promise<void> {
		await this.certify(host, "qemu", { ca: "ca-cert", server: "server-", client: "client-" });
	}

	/** @param names how the files' names begin */
	private async certify(
		{ directory, linkAddress, name }: TestHost,
		whose: "libvirt" | "qemu",
		names: { ca: string; server: string; client: string },
	): Promise<void> {
		const folder = join(directory, "etc/pki", whose);
		await mkdir(folder, { recursive: true });
		const at = (file: string) => join(folder, file);
		await copyFile(join(this.folder, "cert.pem"), at(`${names.ca}.pem`));
		const extensions = `basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=IP:${linkAddress}
`;
		await writeFile(at("extensions"), extensions);
		const [key, cert] = [at(`${names.server}key.pem`), at(`${names.server}cert.pem`)];
		await run("openssl", ["req", ...NEW_KEY, "-keyout", key, "-out", at("request"), "-subj", `/CN=${name}`]);
		const by = ["-CA", join(this.folder, "cert.pem"), "-CAkey", join(this.folder, "key.pem"), "-CAcreateserial"];
		const made = ["-in", at("request"), "-out", cert, "-extfile", at("extensions"), "-days", "2"];
		await run("openssl", ["x509", "-req", ...by, ...made]);
		// QEMU's user reads it.
		await chmod(key, 0o644);
		for (const part of ["key", "cert"])
			await copyFile(at(`${names.server}${part}.pem`), at(`${names.client}${part}.pem`));
	}
}
