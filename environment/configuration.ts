import * as pulumi from "@pulumi/pulumi";
import type { Configuration } from "./config-variable";

/** Exported by the SDK, but not part of its types. `Config.get` would warn of each secret that it returns. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/** The configuration of the stack that runs. A key without a namespace is the project's. */
export function stackConfiguration(): Configuration {
	return {
		get(key) {
			const full = key.includes(":") ? key : `${pulumi.getProject()}:${key}`;
			const text = pulumi.runtime.getConfig(full);
			return text === undefined ? undefined : { text, secret: isConfigSecret(full) };
		},
	};
}
