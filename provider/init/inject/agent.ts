/**
 * Puts a payload into a running machine through its guest agent. It is unpacked in a folder of its own first and moved
 * into place at the end, the version last: a machine that goes down in the middle has no version, and gets it all again.
 */
import { dirname } from "node:path";
import { guestExec, runInGuest, writeGuestFile } from "../../domain/agent";
import type { Host } from "../../libvirt";
import { quoted } from "../../shell";
import { tarOf } from "../../volume/tar";
import { OWN_FOLDER, type Payload, PLAN_FOLDER, VERSION_FILE } from "../payload-type";
import { type Former, formerlyPlaced, NOTHING, PLACED_FILE, placedOf } from "./placed";

/** On the file system of what is going to be there, so that a move is one step. */
const NEW_FOLDER = `${dirname(OWN_FOLDER)}/.clones-init-new`;
const SECONDS = 120;

/**
 * @returns false where the machine had the very payload already
 * @throws Error that says what the guest refused
 */
export async function injectThroughAgent(host: Host, uuid: string, payload: Payload): Promise<boolean> {
	const found = await readGuestFile(host, uuid, VERSION_FILE);
	if ((found?.trim() ?? NOTHING.version) === payload.version) return false;
	const former = formerlyPlaced(await readGuestFile(host, uuid, PLACED_FILE), payload);
	await guestExec(host, uuid, "/bin/sh", ["-c", PREPARE, "sh", NEW_FOLDER]);
	await writeGuestFile(host, uuid, `${NEW_FOLDER}/payload.tar`, tarOf(payload.files));
	await writeGuestFile(host, uuid, `${NEW_FOLDER}/place`, Buffer.from(placingScript(payload, former)));
	const ended = await runInGuest(host, uuid, "/bin/sh", [`${NEW_FOLDER}/place`], SECONDS);
	if (ended?.succeeded) return true;
	const how = ended ? `ended ${ended.how} and said: ${ended.said || "nothing"}` : `has not ended after ${SECONDS} s`;
	throw new Error(`putting the scripts in place in the running machine ${how}. The next \`pulumi up\` does it again`);
}

async function readGuestFile(host: Host, uuid: string, path: string): Promise<string | undefined> {
	const ended = await runInGuest(host, uuid, "/bin/sh", ["-c", '[ -f "$1" ] || exit 3; cat "$1"', "sh", path], SECONDS);
	return ended?.succeeded ? ended.stdout : undefined;
}

const PREPARE = `set -eu
umask 077
mkdir -p "$(dirname "$1")"
rm -rf "$1"
mkdir "$1"
: > "$1/payload.tar"
: > "$1/place"
`;

/** Pure: a script for any sh, with nothing in it but names. Safe to run again from its start. */
export function placingScript(payload: Payload, former: Former): string {
	const elsewhere = payload.files.filter(({ path }) => !isOwn(path));
	return [
		"set -eu",
		`cd ${quoted(NEW_FOLDER)}`,
		"umask 022",
		"mkdir -p root",
		"tar -xpf payload.tar -C root",
		`mkdir -p ${quoted(`root${PLAN_FOLDER}`)}`,
		`chmod 0700 ${quoted(`root${PLAN_FOLDER}`)}`,
		"chown -R 0:0 root",
		`printf %s ${quoted(placedOf(payload))} > ${quoted(`root${PLACED_FILE}`)}`,
		`chmod 0600 ${quoted(`root${PLACED_FILE}`)}`,
		`if [ -f ${quoted(`root${VERSION_FILE}`)} ]; then mv ${quoted(`root${VERSION_FILE}`)} version; fi`,
		"sync",
		`if [ -e ${quoted(OWN_FOLDER)} ]; then rm -f ${quoted(VERSION_FILE)}; mv ${quoted(OWN_FOLDER)} old; fi`,
		...(payload.files.length > 0 ? [`mv ${quoted(`root${OWN_FOLDER}`)} ${quoted(OWN_FOLDER)}`] : []),
		...former.paths.map((path) => `rm -f ${quoted(path)}`),
		...former.lines.map(({ path, line }) => removingLine(path, line)),
		...elsewhere.flatMap(({ path }) => [
			`mkdir -p ${quoted(dirname(path))}`,
			// Beside the file, so that it is there as a whole or not at all.
			`cp -p ${quoted(`root${path}`)} ${quoted(`${path}.clones-new`)}`,
			`mv -f ${quoted(`${path}.clones-new`)} ${quoted(path)}`,
		]),
		...payload.links.flatMap(linking),
		...payload.lines.map(({ path, line }) => addingLine(path, line)),
		"sync",
		`if [ -f version ]; then mv version ${quoted(VERSION_FILE)}; fi`,
		"cd /",
		`rm -rf ${quoted(NEW_FOLDER)}`,
		"sync",
		"",
	].join("\n");
}

/** Makes a link, in place of one that is there. */
export function linking({ path, target, where }: Payload["links"][number]): string[] {
	const lines = [
		`mkdir -p ${quoted(dirname(path))}`,
		`rm -f ${quoted(path)}`,
		`ln -s ${quoted(target)} ${quoted(path)}`,
	];
	return where === undefined ? lines : [`if [ -e ${quoted(where)} ]; then`, ...lines, "fi"];
}

/** Adds a line to a file that is there, unless it has it. */
export function addingLine(path: string, line: string): string {
	const [file, text] = [quoted(path), quoted(line)];
	const endLine = `{ [ -z "$(tail -c 1 ${file})" ] || echo >> ${file}; }`;
	return `if [ -f ${file} ] && ! grep -qxF -e ${text} ${file}; then ${endLine} && printf '%s\\n' ${text} >> ${file}; fi`;
}

/** Takes a line out of a file. The file is replaced as a whole. */
export function removingLine(path: string, line: string): string {
	const [file, text, other] = [quoted(path), quoted(line), quoted(`${path}.clones-new`)];
	const without = `{ grep -vxF -e ${text} ${file} > ${other} || [ $? = 1 ]; }`;
	return `if [ -f ${file} ] && grep -qxF -e ${text} ${file}; then cp -p ${file} ${other} && ${without} && mv ${other} ${file}; fi`;
}

function isOwn(path: string): boolean {
	return path.startsWith(`${OWN_FOLDER}/`);
}
