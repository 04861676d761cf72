import { z } from "zod";
import { computed } from "../../allowed";
import type { Rule } from "../../lifecycle";
import { commonShape, reference } from "../../schema";
import { accessSchema } from "../access";
import { initSchema, type ScriptFacts } from "../awaited";
import { injectedSchema } from "../injected";

/** Scripts in what is there: in a disk's own file, or in a machine, running or not. */
export const injectionSchema = z
	.strictObject({
		...commonShape,
		volume: reference.optional(),
		domain: reference.optional(),
		injected: computed(injectedSchema),
		/** In a running machine, what is due of the scripts runs at once, and is waited for. */
		run: initSchema.optional(),
		/** A domain that is off is started for this, and shut down again: seconds that its guest gets for either. */
		powerOnSeconds: z.number().min(1).max(86_400).optional(),
		/** For what one's own access is denied. */
		elevatedCredentials: accessSchema.optional(),
		/** What is there stays when the resource goes. */
		leave: z.boolean().optional(),
	})
	.omit({ adopt: true });

export type InjectionInputs = z.output<typeof injectionSchema>;

export interface InjectionFacts {
	/** Path of the disk, or UUID of the machine. */
	target: string;
	/** What has become of the scripts, where they ran at once. */
	scripts?: ScriptFacts[] | undefined;
	/** Milliseconds that it took. */
	timings: { injectMs: number };
}

export const rules: ReadonlyArray<Rule<InjectionInputs>> = [
	{
		property: "volume",
		needs: ["volume", "domain"],
		check({ volume, domain }) {
			if ((volume === undefined) !== (domain === undefined)) return undefined;
			return `got ${volume === undefined ? "neither of them" : "volume and domain"}; allowed is exactly one of volume and domain`;
		},
	},
];
