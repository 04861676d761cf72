/** Complaints about a definition: collected, so that all of them can be told at once. */
import { RunError } from "@pulumi/pulumi";
import type { Path } from "../provider/problems";
import { type Place, type Tree, writtenAt } from "./tree";

/** One thing that is wrong with a definition. */
export interface Complaint {
	/** Line and column, both from 1; absent for definitions that come from a program. */
	place?: Place | undefined;
	/** Where it is: `components.web.count`; empty for the file as a whole. */
	property: string;
	/** The value got, what is allowed, and what to do. */
	message: string;
}

export class Complaints {
	private readonly list: Complaint[] = [];

	get all(): Complaint[] {
		// The same line is read once for each stack: what is wrong with it is told once.
		const unique = new Map(this.list.map((complaint) => [JSON.stringify(complaint), complaint]));
		return [...unique.values()].sort((a, b) => order(a) - order(b));
	}

	add(complaint: Complaint): void {
		this.list.push(complaint);
	}

	/** @param missing the part of the path that is not there, below the node */
	about(node: Tree, message: string, { missing = [], key = false }: { missing?: Path; key?: boolean } = {}): void {
		const place = key || missing.length > 0 ? (node.keyPlace ?? node.place) : node.place;
		this.add({ place, property: writtenAt(node, missing), message });
	}
}

function order({ place }: Complaint): number {
	return place ? place.line * 100_000 + place.column : 0;
}

/** A definition is refused: the message has one line for each complaint, with file, line and column. */
export class EnvironmentError extends RunError {
	constructor(
		environment: string,
		/** The file of the definition, where it comes from one. */
		readonly file: string | undefined,
		/** All that is wrong, in the order of the file. */
		readonly complaints: ReadonlyArray<Complaint>,
	) {
		const count = complaints.length === 1 ? "1 problem" : `${complaints.length} problems`;
		const lines = complaints.map((complaint) => `\n  ${lineOf(file, complaint)}`);
		super(`Environment ${environment}: ${count}${file === undefined ? "" : ` in ${file}`}${lines.join("")}`);
		this.name = "EnvironmentError";
	}
}

function lineOf(file: string | undefined, { place, property, message }: Complaint): string {
	const at = file === undefined ? "" : place ? `${file}:${place.line}:${place.column}: ` : `${file}: `;
	return at + (property === "" ? message : `${property}: ${message}`);
}
