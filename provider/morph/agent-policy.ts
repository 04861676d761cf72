/**
 * What a machine's owner lets changes of it do in the guest: whether its agent is used at all, and what may be added through
 * it. A host without the agent stands for all of it: whoever asks is told that he may not.
 */
import { z } from "zod";
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import type { Context } from "../lifecycle";
import { sha256 } from "../schema";
import { isUnknown } from "../unknown";
import type { Shape } from "./shape";

export const agentPolicySchema = z.strictObject({
	use: z.boolean().default(true),
	mayAdd: z.array(sha256).max(256).default([]),
});

export type AgentPolicy = z.output<typeof agentPolicySchema>;

/** Completes "the guest agent, ...". */
export const BARRED = "which may not be used (agentPolicy.use is false)";

export function bars(policy: AgentPolicy | undefined): boolean {
	return !isUnknown(policy) && policy?.use === false;
}

const barredHosts = new WeakSet<Host>();

/** Whether the agents of its machines may not be used. */
export function isBarred(host: Host): boolean {
	return barredHosts.has(host);
}

/** The same, and where the policy says so without the agents of its machines. */
export function underPolicy(host: Host, policy: AgentPolicy | undefined): Host {
	return bars(policy) ? withoutAgent(host) : host;
}

export function withoutAgent(host: Host): Host {
	const agent: Host["domains"]["agent"] = async (_uuid, command) => {
		throw new LibvirtError({
			reason: `it is the guest agent's, ${BARRED}`,
			libvirtCode: 0,
			errorName: "AGENT_BARRED",
			errorDomain: "",
			call: command,
			uri: host.uri,
		});
	};
	const barred = Object.assign(Object.create(host) as Host, { domains: { ...host.domains, agent } });
	barredHosts.add(barred);
	return barred;
}

/** The same for what is done to a machine while it runs. */
export function contextUnder(context: Context, policy: AgentPolicy | undefined): Context {
	return { ...context, host: underPolicy(context.host, policy) };
}

/** A shape that was looked at under another policy. Pure. */
export function shapeUnder(shape: Shape, policy: AgentPolicy | undefined): Shape {
	if (bars(policy)) return barredShape(shape);
	const { barred, ...rest } = shape;
	return barred ? { ...rest, agent: barred.agent, lacks: shape.lacks.filter((what) => what !== LACK) } : shape;
}

/** Pure. */
export function barredShape(shape: Shape): Shape {
	if (shape.barred) return shape;
	return { ...shape, agent: false, barred: { agent: shape.agent }, lacks: [...shape.lacks, LACK] };
}

const LACK = `leave to use its guest agent, ${BARRED}: it would put to use what was plugged in, and say what can be spared`;
