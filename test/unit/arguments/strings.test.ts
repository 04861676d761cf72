import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { wantedDefinition } from "../../../provider/domain/definition";
import { domain } from "../../../provider/domain/lifecycle";
import type { DomainInputs } from "../../../provider/domain/schema";
import type { Host } from "../../../provider/libvirt";
import { InputError } from "../../../provider/lifecycle";
import { network } from "../../../provider/network/lifecycle";
import type { NetworkInputs } from "../../../provider/network/schema";
import { networkElement } from "../../../provider/network/xml";
import { pool } from "../../../provider/pool/lifecycle";
import { poolXml } from "../../../provider/pool/xml";
import { validate } from "../../../provider/problems";
import { cloudInitSeed } from "../../../provider/volume/cloud-init";
import { volume } from "../../../provider/volume/lifecycle";
import type { VolumeInputs } from "../../../provider/volume/schema";
import { volumeXml } from "../../../provider/volume/xml";
import { children, type Element, parse, remove, serialize } from "../../../provider/xml/element";
import { stepsOf, textsOf, withValue } from "./arguments";
import { isBroken, nastyStrings, PLAIN } from "./strings";

/** `SEED=...` tries other mixtures. */
const SEED = Number(process.env.SEED ?? 20240607);
const strings = nastyStrings(SEED, 40);

/** Finds any network, and no volume. */
const host = {
	uri: "qemu:///system",
	networks: { find: async (name: string) => ({ name, uuid: name }) },
	volumes: { find: async () => undefined },
	pools: { list: async () => [] },
} as unknown as Host;

interface Kind {
	name: string;
	lifecycle: { schema: z.ZodType; rules?: unknown; sensitive?: unknown };
	good(path: string): Record<string, unknown>;
	/** What a resource with these inputs is on the host. */
	made(inputs: never): Promise<string> | string;
	/** Arguments that are no text but a language of their own, which is read and merged. */
	languages?: string[];
}

const kinds: Kind[] = [
	{
		name: "StoragePool",
		lifecycle: pool,
		good: () => ({ name: "images", path: "/images" }),
		made: (inputs: { name: string; path: string }) => poolXml({ ...inputs, uuid: "u", ownerId: "o/p/s/images" }),
	},
	{
		name: "Network",
		lifecycle: network,
		good: () => ({ name: "lab", ipv4: "10.0.0.1/24", dhcp: { hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.9" }] } }),
		made: (inputs: NetworkInputs) => serialize(networkElement(inputs)),
		languages: ["extraXml"],
	},
	{
		name: "Volume",
		lifecycle: volume,
		good: (path) =>
			path.startsWith("source.")
				? { name: "disk", pool: "images", format: path.includes("cloudInit") ? "raw" : "qcow2" }
				: { name: "disk", pool: "images", base: "/base" },
		made: ({ name, base }: VolumeInputs) =>
			volumeXml({
				name,
				format: "qcow2",
				capacityBytes: 1,
				backing: base === undefined ? undefined : { path: base, format: "raw" },
			}),
	},
	{
		name: "Domain",
		lifecycle: domain,
		good: () => ({
			name: "web",
			disks: [{ volume: "/disk", format: "raw", target: "vda" }],
			nics: [{ network: "lab", mac: "52:54:00:00:00:01" }],
			boot: { kernel: "/k" },
			lineage: { base: "/b", baseContentId: "c" },
		}),
		made: async (inputs: DomainInputs) =>
			serialize((await wantedDefinition(inputs, host, { uuid: "u", domainType: "qemu" })).root),
		languages: ["extraXml"],
	},
];

const common = { uri: "qemu:///system", ownerId: "org/project/dev/x" };

/** All of a tree but the texts in it; and these, in order. */
function treeOf(root: Element): { shape: string; texts: string[] } {
	const texts: string[] = [];
	const shapeOf = (item: Element): unknown => [
		item.tagName,
		Array.from(item.attributes).map(({ name, value }) => {
			texts.push(value);
			return name;
		}),
		Array.from(item.childNodes).map((node) => {
			if (node.nodeType === 1) return shapeOf(node as Element);
			texts.push(node.nodeValue ?? "");
			return node.nodeType;
		}),
	];
	return { shape: JSON.stringify(shapeOf(root)), texts };
}

/** What is made of inputs; undefined when it is refused. */
async function madeOf(kind: Kind, inputs: object, refused: string[]) {
	try {
		return treeOf(parse(await kind.made(inputs as never)));
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		refused.push(error.property);
		return undefined;
	}
}

type Check = (path: string, value: string) => { inputs: object; problems: unknown[] };

/** A harmless value for a text, and what is made with it. */
async function plainOf(kind: Kind, path: string, check: Check) {
	for (const plain of PLAIN) {
		const { inputs, problems } = check(path, plain);
		const before = problems.length > 0 ? undefined : await madeOf(kind, inputs, []);
		if (before) return { plain, before };
	}
	return { plain: undefined, before: undefined };
}

describe("strings that change nothing", () => {
	for (const kind of kinds) {
		describe(kind.name, () => {
			const { schema, rules, sensitive } = kind.lifecycle;
			const check = (path: string, value: string) =>
				validate(
					schema as z.ZodType<object>,
					{ ...common, ...(withValue(kind.good(path), stepsOf(path), value) as object) },
					rules as never,
					sensitive as never,
				);
			const paths = textsOf(schema).filter((path) => !kind.languages?.includes(path));

			it("are put into every text there is", () => assert.ok(paths.length >= 3 && paths.includes("name")));

			for (const path of paths) {
				it(`are refused as ${path} by its name, or arrive in their place as they are`, async () => {
					const { plain, before } = await plainOf(kind, path, check);
					for (const value of strings) {
						const { inputs, problems } = check(path, value);
						const refused = problems.map(({ property }) => property);
						const made = refused.length > 0 ? undefined : await madeOf(kind, inputs, refused);
						if (made === undefined) {
							const named = refused.every((property) => path.startsWith(property.split(/[.[]/)[0]!));
							assert.ok(named, `${JSON.stringify(value)}: ${refused}`);
							continue;
						}
						// No text at all is left out.
						if (before === undefined || value === "") continue;
						assert.equal(made.shape, before.shape, JSON.stringify(value));
						const expected = before.texts.map((text) => (text === plain ? value : text));
						assert.deepEqual(made.texts, expected, JSON.stringify(value));
					}
				});
			}

			it("never lead out of a folder as a name", () => {
				const names = strings.filter((value) => check("name", value).problems.length === 0);
				assert.ok(names.length > 0);
				for (const own of names) {
					assert.equal(dirname(join("/pool", own)), "/pool");
					assert.doesNotMatch(own, /^-/);
				}
			});
		});
	}

	it("are refused as extraXml by its name, or change nothing but what is in it", async () => {
		const { good, made } = kinds.find(({ name }) => name === "Domain")!;
		const of = (extraXml?: string) => ({
			...common,
			...good("extraXml"),
			...(extraXml === undefined ? {} : { extraXml }),
		});
		const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
		const { inputs: plain } = validate(domain.schema, of(), domain.rules, domain.sensitive);
		const before = parse(await made(plain as never));
		for (const value of strings) {
			for (const extraXml of [
				value,
				`<domain><title>${value}</title></domain>`,
				`<domain><title>${escaped(value)}</title></domain>`,
			]) {
				const { inputs, problems } = validate(domain.schema, of(extraXml), domain.rules, domain.sensitive);
				if (problems.length > 0) {
					assert.deepEqual(
						[...new Set(problems.map(({ property }) => property))],
						["extraXml"],
						JSON.stringify(extraXml),
					);
					continue;
				}
				const root = parse(await made(inputs as never));
				const [title] = children(root, "title");
				if (title) remove(title);
				assert.deepEqual(treeOf(root), treeOf(before), JSON.stringify(extraXml));
				if (extraXml.includes(escaped(value)) && !/[\r\n\t]|^ *$/.test(value)) assert.equal(title?.textContent, value);
			}
		}
	});

	it("arrive in a cloud-init seed byte for byte, or are refused by their name", () => {
		for (const value of strings) {
			for (const key of ["userData", "networkConfig"] as const) {
				const given = { ...common, name: "seed", pool: "p", format: "raw", source: { cloudInit: { [key]: value } } };
				const { inputs, problems } = validate(volume.schema, given, volume.rules, volume.sensitive);
				if (problems.length > 0) assert.match(problems[0]!.property, new RegExp(`^source\\.cloudInit\\.${key}$`));
				else
					assert.ok(cloudInitSeed(inputs.source!.cloudInit!, "o").includes(Buffer.from(value)), JSON.stringify(value));
				assert.equal(problems.length > 0, isBroken(value), JSON.stringify(value));
			}
			const files = [{ path: "/a", content: value }];
			const given = { ...common, name: "seed", pool: "p", format: "raw", source: { cloudInit: { files } } };
			const { inputs, problems } = validate(volume.schema, given, volume.rules, volume.sensitive);
			assert.equal(problems.length > 0, isBroken(value), JSON.stringify(value));
			if (problems.length > 0) continue;
			const seed = cloudInitSeed(inputs.source!.cloudInit!, "o");
			assert.ok(seed.includes(JSON.stringify(Buffer.from(value).toString("base64"))));
		}
	});

	it("reach no shell: of the processes that are started one gets no arguments, four files in pools, one a file of our own, one checked names, one a program of the user's own", () => {
		const root = join(__dirname, "../../../../provider");
		const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
		const text = (name: string) => readFileSync(join(root, name), "utf8");
		const [worker, qemuImg] = [join("libvirt", "process.ts"), join("volume", "rebase.ts")];
		const replica = join("volume", "make-replica.ts");
		const starting = sources.filter((name) => /child_process/.test(text(name)));
		const offlineJoin = join("identity", "directory", "offline-join.ts");
		const hostProgram = join("morph", "host-program.ts");
		const pipe = join("fork", "source.ts");
		const [guestfish, commit] = ["guestfish.ts", "into-source.ts"].map((name) => join("init", "inject", name));
		assert.deepEqual(starting.sort(), [pipe, offlineJoin, guestfish, commit, worker, hostProgram, replica, qemuImg]);
		assert.match(text(pipe), /promisify\(execFile\)\("mkfifo", \["-m", "600", pipe\]\)/);
		// What is asked of it is written to it, in quotes: see the tests of scripts in images.
		assert.match(text(guestfish!), /spawn\("guestfish", args, \{/);
		assert.match(text(guestfish!), /args = \[`--format=\$\{disk.format\}`, "-a", disk.path\]/);
		assert.match(text(commit!), /run\("qemu-img", \["commit", "-q", "-d", "-f", "qcow2", path\]\)/);
		// Only absolute ones get there.
		assert.match(text(replica), /qemuImg\(\["rebase", "-u", "-f", "qcow2", "-F", base.format, "-b", base.path, file\]/);
		assert.match(text(replica), /qemuImg\(\["convert", "-f", "qcow2", "-O", "qcow2", original.path, file\]/);
		assert.match(text(worker), /fork\(join\(__dirname, "worker", script\), \[\]/);
		// Their paths are absolute, as their pools' directories are: none is taken for an option or a protocol.
		assert.match(text(qemuImg), /spawn\("qemu-img", args, \{ stdio: /);
		assert.match(text(qemuImg), /place\?\.directory === directoryOf\(path\)/);
		assert.doesNotMatch(text(qemuImg), /shell/);
		// What the settings and names may be is tested with them; each stands behind a word of its own.
		assert.match(text(offlineJoin), /`domain=\$\{.*\}`, `machine_name=\$\{name\}`, `dcname=\$\{/);
		assert.match(text(offlineJoin), /"-s", configuration, "-U", settings\.user\]/);
		assert.doesNotMatch(text(offlineJoin), /shell/);
		// It is what the user asks for, word by word; on a host far away each is one word to the shell there.
		assert.match(text(hostProgram), /execFile\(program, args, options,/);
		assert.match(text(hostProgram), /"--", host, words\.map\(quoted\)\.join\(" "\)\]/);
	});
});
