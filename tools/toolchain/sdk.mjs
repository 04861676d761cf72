// @ts-check
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * @typedef {object} Sdk
 * @property {string} version
 * @property {typeof import("@grpc/grpc-js")} grpc
 * @property {typeof import("@pulumi/pulumi/proto/language_grpc_pb.js")} service
 * @property {typeof import("@pulumi/pulumi/proto/language_pb.js")} language
 * @property {typeof import("@pulumi/pulumi/proto/plugin_pb.js")} plugin
 * @property {typeof import("google-protobuf/google/protobuf/empty_pb.js")} empty
 */

/**
 * Loads the gRPC stubs from the first directory in or above which @pulumi/pulumi is installed. Any version will do: the
 * program itself runs with its own.
 * @param {string[]} directories
 * @returns {Sdk}
 */
export function loadSdk(directories) {
	for (const directory of directories) {
		const manifest = resolveFrom(directory, "@pulumi/pulumi/package.json");
		if (manifest === undefined) continue;
		// What the SDK itself depends on resolves from where the SDK lies.
		const load = createRequire(manifest);
		const base = dirname(manifest);
		return {
			version: load(manifest).version,
			grpc: load("@grpc/grpc-js"),
			service: load(join(base, "proto/language_grpc_pb")),
			language: load(join(base, "proto/language_pb")),
			plugin: load(join(base, "proto/plugin_pb")),
			empty: load("google-protobuf/google/protobuf/empty_pb.js"),
		};
	}
	throw new Error(
		`The Node.js language host found no @pulumi/pulumi from ${directories.join(" or ")}. Run npm install there.`,
	);
}

/**
 * @param {string} directory
 * @param {string} request what `require` would be given in a file of that directory
 * @returns {string | undefined} the file
 */
export function resolveFrom(directory, request) {
	try {
		return createRequire(join(directory, "index.js")).resolve(request);
	} catch {
		return undefined;
	}
}

/**
 * @param {string} directory
 * @param {string} name of a package
 * @returns {string | undefined} the version that a program in the directory gets
 */
export function installedVersion(directory, name) {
	// Not every package exports its package.json: look where require would look.
	for (const folder of createRequire(join(directory, "index.js")).resolve.paths(name) ?? []) {
		try {
			return JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")).version;
		} catch {}
	}
	return undefined;
}
