/** No directory: identities without a machine account. */
import type { Directory } from "./directory";

export const noDirectory: Directory = {
	kind: "none",
	check: async () => {},
	create: async () => ({}),
	reset: async () => ({}),
	remove: async () => {},
	prove: async () => undefined,
	close: async () => {},
};
