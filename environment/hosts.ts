/** Which host everything is on: named, or that of what it is made from, or the only one. */
import type { Complaints } from "./complaint";
import type { Declaration } from "./declarations";
import type { Link, Tree } from "./tree";

/** @returns whether there are things that need each other */
export function refuseCircles(all: ReadonlyArray<Declaration>, complaints: Complaints): boolean {
	let found = false;
	const done = new Set<Declaration>();
	const visit = (declaration: Declaration, above: Declaration[]): void => {
		if (done.has(declaration)) return;
		for (const link of declaration.links) {
			const target = targetOf(link, all);
			if (!target) continue;
			const chain = [...above, declaration];
			if (chain.includes(target)) {
				found = true;
				const names = [...chain.slice(chain.indexOf(target)), target].map(({ name }) => name).join(" -> ");
				complaints.about(link, `refers to itself in a circle: ${names}; remove one of these references`);
			} else visit(target, chain);
		}
		done.add(declaration);
	};
	for (const declaration of all) visit(declaration, []);
	return found;
}

/** Fills in `host` of every declaration; they must not refer to each other in a circle. */
export function assignHosts(
	all: ReadonlyArray<Declaration>,
	hosts: ReadonlyArray<string>,
	complaints: Complaints,
): void {
	const done = new Set<Declaration>();
	const assign = (declaration: Declaration): Tree | undefined => {
		if (done.has(declaration)) return declaration.host;
		done.add(declaration);
		if (declaration.type.hostless) return undefined;
		const targets = declaration.links.flatMap((link) => {
			const target = targetOf(link, all);
			return target ? [{ link, host: assign(target) }] : [];
		});
		const named = declaration.tree.entries.get("host");
		const [only] = hosts.length === 1 ? hosts : [];
		declaration.host =
			named ??
			targets.find(({ host }) => host)?.host ??
			(only === undefined ? undefined : linkTo(only, declaration.tree));
		if (!declaration.host && hosts.length > 1) {
			complaints.about(declaration.tree, `is required; allowed are ${hosts.join(", ")}`, { missing: ["host"] });
		}
		for (const { link, host } of targets) {
			if (!host || !declaration.host || sameHost(host, declaration.host)) continue;
			complaints.about(
				link,
				`${JSON.stringify(link.name)} is on host ${hostName(host)} and this on ${hostName(declaration.host)}; ` +
					"allowed is what is on the same host",
			);
		}
		return declaration.host;
	};
	for (const declaration of all) assign(declaration);
}

export function targetOf(link: Link, all: ReadonlyArray<Declaration>): Declaration | undefined {
	return all.find(({ type, name }) => type.provides === link.to && name === link.name);
}

function linkTo(name: string, { path, place, keyPlace }: Tree): Link {
	return { kind: "link", path, place, keyPlace, to: "host", name };
}

/** Hosts that are only known later are taken to be the same: the provider tells otherwise. */
function sameHost(a: Tree, b: Tree): boolean {
	if (a.kind === "link" && b.kind === "link") return a.name === b.name;
	if (a.kind === "scalar" && b.kind === "scalar") return a.value === b.value;
	return a.kind === "opaque" || b.kind === "opaque";
}

function hostName(host: Tree): string {
	return host.kind === "link" ? JSON.stringify(host.name) : host.kind === "scalar" ? String(host.value) : "of its own";
}
