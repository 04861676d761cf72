import type { MorphArgs } from "../provider/domain/resource";
import { readTemplate } from "../provider/morph/template-file";

/**
 * The steps of a change of size or host from a file of YAML or JSON, for `morph`:
 *
 * ```ts
 * new Domain("web", { instanceType: "small", morph: morphTemplate("rolling.yaml") });
 * ```
 *
 * @param file path, from the folder of the Pulumi project
 * @throws InputError for a file that cannot be read, and naming everything in it that is wrong
 */
export function morphTemplate(file: string): MorphArgs {
	return readTemplate(file);
}
