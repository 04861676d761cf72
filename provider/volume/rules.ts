import type { Rule } from "../lifecycle";
import { isMimeMessage } from "./cloud-init";
import type { VolumeInputs } from "./schema";

/** Rules across the inputs of a volume. None repeats what a source holds, which may be secret. */
export const rules: ReadonlyArray<Rule<VolumeInputs>> = [
	{
		property: "source",
		needs: ["source"],
		check({ source }) {
			if (!source) return undefined;
			const given = (["file", "url", "cloudInit", "archive"] as const).filter((kind) => source[kind] !== undefined);
			if (given.length === 1) return undefined;
			return `got ${given.join(" and ") || "none of them"}; allowed is exactly one of file, url, cloudInit and archive`;
		},
	},
	{
		property: "source.sha256",
		needs: ["source"],
		check({ source }) {
			if (source?.url !== undefined && source.sha256 === undefined) {
				return "is missing; a url needs the SHA-256 of its file, so that nothing else is ever written to the host: give it as 64 hex digits";
			}
			const kind = source && madeHere(source);
			if (kind && source.sha256 !== undefined) {
				return `cannot be given together with ${kind}, whose image is made here; leave it out`;
			}
			return undefined;
		},
	},
	{
		property: "source.cloudInit",
		needs: ["source", "format", "sizeMiB"],
		check: (inputs) => seedComplaint("cloudInit", inputs),
	},
	{
		property: "source.archive",
		needs: ["source", "format", "sizeMiB"],
		check: (inputs) => seedComplaint("archive", inputs),
	},
	{
		property: "source.cloudInit",
		needs: ["source"],
		check({ source }) {
			const { userData, files } = source?.cloudInit ?? {};
			if (userData !== undefined && files?.length && isMimeMessage(userData)) {
				return "has files and a userData that is a MIME message; put the files into the message as write_files";
			}
			return undefined;
		},
	},
	{
		property: "base",
		needs: ["source", "base", "baseDomain"],
		check(inputs) {
			const given = (["source", "base", "baseDomain"] as const).filter((key) => inputs[key] !== undefined);
			if (given.length <= 1) return undefined;
			return `got ${given.join(" and ")}; allowed is at most one of source, base and baseDomain`;
		},
	},
	{
		property: "sizeMiB",
		needs: ["source", "base", "baseDomain", "sizeMiB", "replicaOf", "sizeOf"],
		check({ source, base, baseDomain, sizeMiB, replicaOf, sizeOf }) {
			const known = [source, base, baseDomain, sizeMiB, replicaOf, sizeOf];
			if (known.some((item) => item !== undefined)) return undefined;
			return "is missing; give an empty volume its size in MiB (a volume with a source or base has theirs)";
		},
	},
	{
		property: "cloning",
		needs: ["cloning", "format", "base", "baseDomain"],
		check({ cloning, format, base, baseDomain }) {
			if (cloning === "auto") return undefined;
			if (base === undefined && baseDomain === undefined) {
				return `got "${cloning}" without a base; it says how base or baseDomain is cloned: leave it out`;
			}
			if (cloning === "overlay" && format !== "qcow2") {
				return `got "overlay" with format "${format}"; an overlay is a qcow2 image: use format "qcow2", or cloning "reflink"`;
			}
			return undefined;
		},
	},
	{
		property: "independent",
		needs: ["base", "baseDomain", "independent"],
		check({ base, baseDomain, independent }) {
			if (!independent || base !== undefined || baseDomain !== undefined) return undefined;
			return "got true without a base; a volume that is no clone depends on nothing: leave it out";
		},
	},
	{
		property: "injected",
		needs: ["base", "baseDomain", "cloning", "format", "injected"],
		check({ base, baseDomain, cloning, format, injected }) {
			if (!injected) return undefined;
			if (base === undefined && baseDomain === undefined) return "needs a base: scripts are put into an overlay on it";
			if (format === "qcow2" && ["auto", "overlay"].includes(cloning)) return undefined;
			return `got format "${format}" and cloning "${cloning}" with it; allowed are "qcow2" and "auto" or "overlay"`;
		},
	},
	{
		property: "baseContentId",
		needs: ["base", "baseDomain", "baseContentId"],
		check({ base, baseDomain, baseContentId }) {
			if (baseContentId === undefined || base !== undefined || baseDomain !== undefined) return undefined;
			return `got ${JSON.stringify(baseContentId)} without a base; it says what base or baseDomain holds: leave it out`;
		},
	},
];

/** What is made of the inputs alone. */
function madeHere({ cloudInit, archive }: NonNullable<VolumeInputs["source"]>): "cloudInit" | "archive" | undefined {
	if (cloudInit) return "cloudInit";
	return archive ? "archive" : undefined;
}

function seedComplaint(kind: "cloudInit" | "archive", { source, format, sizeMiB }: VolumeInputs): string | undefined {
	if (!source?.[kind]) return undefined;
	if (format !== "raw") return `got format "${format}" with it; allowed is "raw", which a seed is`;
	if (sizeMiB === undefined) return undefined;
	return `got sizeMiB ${sizeMiB} with it; a seed has the size of its content: leave sizeMiB out`;
}
