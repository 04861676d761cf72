/** The nearest template of a tree to what is asked for, and how far that is. Pure. */
import { type Configuration, fits, left, type Steps } from "./configuration";

/** A template in its tree. */
export interface Template {
	name: string;
	/** The template that it goes on from; absent for one that boots an image, or that is given by its id. */
	parent?: string | undefined;
	/** All that it has, its ancestors' included. */
	configuration: Configuration;
}

/** What is left to do: compared by programs first, then services, then files, as they take time. */
export interface Distance {
	/** Packages to install and commands to run. */
	programs: number;
	/** Services to start. */
	services: number;
	/** Files to write. */
	files: number;
}

export function distanceOf({ files, packages, commands, startBeforeFork, restartAfterFork }: Steps): Distance {
	return {
		programs: packages.length + commands.length,
		services: new Set([...startBeforeFork, ...restartAfterFork]).size,
		files: files.length,
	};
}

/** Of distances; negative when the first is shorter. */
export function compare(a: Distance, b: Distance): number {
	return a.programs - b.programs || a.services - b.services || a.files - b.files;
}

export function isZero({ programs, services, files }: Distance): boolean {
	return programs + services + files === 0;
}

/** 1 for one that boots an image, or that is given by its id; one more with each parent. */
export function levelOf(templates: ReadonlyArray<Template>, name: string | undefined): number {
	const found = templates.find((template) => template.name === name);
	return found ? levelOf(templates, found.parent) + 1 : 0;
}

/**
 * The template with the least left to do; of equals the one with fewer levels, then the one that comes first.
 * @returns undefined when none fits
 */
export function nearest(templates: ReadonlyArray<Template>, wanted: Configuration): Template | undefined {
	return templates
		.filter(({ configuration }) => fits(configuration, wanted))
		.map((template) => ({
			template,
			distance: distanceOf(left(template.configuration, wanted)),
			level: levelOf(templates, template.name),
		}))
		.sort((a, b) => compare(a.distance, b.distance) || a.level - b.level)[0]?.template;
}

/** "1 package, 2 commands and 1 file"; "nothing". */
export function told({ files, packages, commands, startBeforeFork, restartAfterFork }: Steps): string {
	const services = new Set([...startBeforeFork, ...restartAfterFork]).size;
	const counts: Array<[number, string]> = [
		[packages.length, "package"],
		[commands.length, "command"],
		[services, "service"],
		[files.length, "file"],
	];
	const parts = counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}${count === 1 ? "" : "s"}`]));
	return parts.length < 2 ? (parts[0] ?? "nothing") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
