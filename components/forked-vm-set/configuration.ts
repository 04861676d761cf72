/** What a set is to have: its arguments, and over them what the configuration of the stack says of it. */
import * as pulumi from "@pulumi/pulumi";
import { InputError } from "../../provider/lifecycle";
import { checkArgs } from "../args";
import { instancesOf } from "../instances";
import type { ForkedChildArgs, ForkedVMSetArgs } from "./args";
import type { Child } from "./child";
import { childrenConfigured, configuredForks, FORKS, FORKS_KEY, NAMESPACE, withConfigured } from "./configured";
import { forkedVMSetRules, forkedVMSetSchema } from "./schema";

/** @throws InputError for a configuration that is wrong, or does not go with the arguments */
export function configuredFor(name: string, given: ForkedVMSetArgs): { args: ForkedVMSetArgs; children: Child[] } {
	const prefix = given.namePrefix ?? name;
	const set = configuredForks(new pulumi.Config(NAMESPACE).get(FORKS))[name];
	if (set === undefined) {
		const children = instancesOf<ForkedChildArgs>(prefix, given.count, given.children);
		return { args: given, children: children.map((child) => ({ ...child, own: { ...child.own, resets: [] } })) };
	}
	const args = told(name, () => withConfigured(given, set));
	const what = `ForkedVMSet ${name} with its configuration ${FORKS_KEY}`;
	checkArgs(what, forkedVMSetSchema, args, forkedVMSetRules);
	const declared = instancesOf<ForkedChildArgs>(prefix, args.count, args.children);
	const children = told(name, () => childrenConfigured(prefix, declared, set));
	for (const { name: child, own } of children) {
		if (own.onReset === undefined) continue;
		// The rules are of sets: one of this child alone.
		const { resets: _resets, onReset, ...rest } = own;
		const { warm: _warm, count: _count, ...others } = args;
		checkArgs(`${what}.${name}: ${child}`, forkedVMSetSchema, { ...others, onReset, children: { [child]: rest } }, [
			...forkedVMSetRules,
		]);
	}
	return { args, children };
}

/** With the place in the configuration that an error is about. */
function told<T>(name: string, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		const where = `configuration: ${FORKS_KEY}.${name}.${error.property}`;
		throw new InputError(FORKS, `ForkedVMSet ${name}: ${where}: ${error.message}`);
	}
}
