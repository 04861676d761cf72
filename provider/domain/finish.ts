/** What follows a start: waiting for the guest, and what is done in it once. */
import { compared } from "../identity/addresses";
import { untilInitialized } from "../init/awaited";
import type { Context } from "../lifecycle";
import { setUpGuest } from "./agent";
import { untilHealthy } from "./health";
import { checkMember } from "./member-check";
import { markSetUp } from "./note";
import { timed } from "./patience";
import type { DomainFacts, DomainInputs } from "./schema";
import { deadlineOf, waitForAddress, waitForAgent } from "./wait";

/**
 * Fills `facts` step by step, so that they tell how far it came when a step fails.
 * @param began `performance.now()` of the start of the create; undefined for a later start
 * @param setUp whether `guestSetup` is still to be done
 * @param check whether `healthCheck` is: of a machine that is being made
 * @throws WaitError, or an Error of the guest's
 */
export async function finish(
	{ host, log }: Pick<Context, "host" | "log">,
	inputs: DomainInputs,
	facts: DomainFacts,
	{ began, setUp, check }: { began?: number | undefined; setUp: boolean; check: boolean },
): Promise<void> {
	if (!inputs.running || facts.preempted) return;
	const { uuid, macs, timings } = facts;
	const setup = setUp ? inputs.guestSetup : undefined;
	const left = deadlineOf(inputs);
	const firstSeen = () => {
		if (began !== undefined) timings.firstGuestActionMs ??= Math.round(performance.now() - began);
	};
	if (inputs.waitFor?.agent || setup) {
		const { ms } = await timed(() => waitForAgent(host, uuid, inputs, macs, left));
		timings.agentMs = ms;
		firstSeen();
	}
	if (setup) {
		log("setting up the guest through its agent");
		const { ms } = await timed(() => setUpGuest(host, uuid, setup, macs[0]));
		timings.guestSetupMs = ms;
		await markSetUp(host, uuid);
	}
	if (inputs.waitFor && inputs.waitFor.address !== "none") {
		// What a DHCP server gave it before that is not what it has now.
		const own = setup?.network?.addresses.map(compared);
		const former = facts.formerLeases ?? [];
		const { value, ms } = await timed(() => waitForAddress(host, uuid, inputs, { macs, own }, former, left));
		facts.addresses = value;
		timings.addressMs = ms;
		firstSeen();
	}
	delete facts.formerLeases;
	if (inputs.init && check) {
		const { init, name } = inputs;
		const { value, ms } = await timed(() => untilInitialized({ host, log }, uuid, name, init));
		facts.scripts = value;
		timings.initMs = ms;
		firstSeen();
	}
	if (inputs.healthCheck && check) {
		const { healthCheck, name } = inputs;
		timings.healthyMs = (await timed(() => untilHealthy(host, uuid, name, healthCheck))).ms;
		firstSeen();
	}
	await checkAsMember({ host, log }, inputs, facts);
	if (inputs.memberCheck) firstSeen();
}

/** @throws WaitError of a member of a set that does not show what it has to before the next one's turn */
export async function checkAsMember(
	{ host }: Pick<Context, "host" | "log">,
	{ memberCheck, name, running }: DomainInputs,
	{ uuid, preempted }: DomainFacts,
): Promise<void> {
	if (memberCheck && running && !preempted) await checkMember(host, uuid, name, memberCheck);
}
