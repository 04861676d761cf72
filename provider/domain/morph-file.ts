/** Steps of a change that are in a file: read where the program runs, so that what is recorded are the steps. */
import * as pulumi from "@pulumi/pulumi";
import { isLater } from "../later";
import { readTemplate } from "../morph/template-file";
import type { MorphArgs } from "./resource";

/**
 * The steps themselves. What is wrong beside the file's content goes as it is to the check, which refuses it.
 * @throws InputError for a file that cannot be read, and naming everything in it that is wrong
 */
export function readSteps(morph: pulumi.Input<MorphArgs> | undefined): pulumi.Input<MorphArgs> | undefined {
	return isLater(morph) ? afterwards(morph as pulumi.Input<MorphArgs>) : read(morph as MorphArgs | undefined);
}

function read(morph: MorphArgs | undefined): pulumi.Input<MorphArgs> | undefined {
	if (typeof morph !== "object" || morph === null || morph.file === undefined) return morph;
	const { file, ...phases } = morph;
	if (isLater(file)) return afterwards(morph);
	const alone = Object.values(phases).every((phase) => phase === undefined);
	return typeof file === "string" && alone ? readTemplate(file) : morph;
}

function afterwards(morph: pulumi.Input<MorphArgs>): pulumi.Output<MorphArgs> {
	return (pulumi.output(morph) as pulumi.Output<MorphArgs>).apply((known) => read(known)) as pulumi.Output<MorphArgs>;
}
