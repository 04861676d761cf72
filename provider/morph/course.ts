/** Which steps of a template run, and where: of a machine that stays, or on one of the two hosts of one that moves. Pure. */
import type { MorphRecord } from "./record";
import { BEFORE_MOVE, PHASES, type Phase } from "./template";

export interface Course {
	/** Phases of which programs run. */
	programs: ReadonlyArray<Phase>;
	/** Phases of which the machine's own changes are made. */
	changes: ReadonlyArray<Phase>;
	/** URIs of the hosts that the machine is on before and after; the same one where it stays. */
	source: string;
	target: string;
	/** Whether it has left its former host: what fails is not taken back. */
	onlyForward: boolean;
}

export function inPlace(uri: string): Course {
	const phases = PHASES.filter((phase) => phase !== "duringMigration");
	return { programs: phases, changes: phases, source: uri, target: uri, onlyForward: false };
}

export function beforeMove(source: string, target: string): Course {
	return { programs: BEFORE_MOVE, changes: BEFORE_MOVE, source, target, onlyForward: false };
}

/** What it is to give back may have become more meanwhile. */
export function afterMove(source: string, target: string): Course {
	const programs = PHASES.filter((phase) => !BEFORE_MOVE.includes(phase));
	return { programs, changes: PHASES, source, target, onlyForward: true };
}

/** What comes first on the new host: the rest follows when all else of it is known. */
export function onArrival(source: string, target: string): Course {
	return { ...afterMove(source, target), programs: ["duringMigration"], changes: [] };
}

/**
 * Of a change that is given up: all of it, on the hosts that it was for.
 * @param uri of the host where it is
 */
export function givenUp({ move }: Pick<MorphRecord, "move">, uri: string): Course {
	const [source, target] = [move?.from ?? uri, move?.toUri ?? uri];
	return { programs: PHASES, changes: PHASES, source, target, onlyForward: false };
}
