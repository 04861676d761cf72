/** A dynamic provider that does nothing: what is left is the engine's own cost. */
let made = 0;

export const empty = {
	check: async (_olds: object, news: object) => ({ inputs: news, failures: [] }),
	diff: async () => ({ changes: false, replaces: [] }),
	create: async (inputs: object) => ({ id: `empty-${++made}`, outs: inputs }),
	delete: async () => {},
};
