/** Why a login was refused. Active Directory answers all of it with one code and tells more in the text. */
import { reason, resultCode } from "./errors";

/** Windows' error numbers in the text ("data 532"), with the setting and what to do. */
const activeDirectory: Record<string, [string, string]> = {
	"525": ["user", "there is no such user: correct it"],
	"52e": ["password", "the user or the password is wrong: correct them"],
	"530": ["user", "the user may not log in at this time of day: use another one"],
	"531": ["user", "the user may not log in from here: use another one"],
	"532": ["password", "the user's password has expired: set a new one, and give it here"],
	"533": ["user", "the user is disabled: enable it, or use another one"],
	"701": ["user", "the user's account has expired: prolong it, or use another one"],
	"773": ["password", "the user has to change the password at the first login: set it for good, and give it here"],
	"775": ["user", "the user is locked after wrong passwords: unlock it, and correct the password"],
};

/** @returns the setting to blame, and the problem */
export function loginProblem(error: unknown, user: string): [string | undefined, string] {
	const said = reason(error);
	const refused = `login as ${user} was refused`;
	switch (resultCode(error)) {
		case undefined:
			return [
				"url",
				`the connection was lost while logging in as ${user}: ${said}. See that the directory runs, then run again`,
			];
		case 34:
			return ["user", `${refused}: got "${user}"; allowed is the form of a name that the directory has (${said})`];
		case 49: {
			const [, number = ""] = /\bdata ([0-9a-f]+)/i.exec(said) ?? [];
			const [setting, problem] = activeDirectory[number.toLowerCase()] ?? [
				"password",
				"the user or the password is wrong, or the password has expired: correct them",
			];
			return [setting, `${refused}: ${problem} (${said})`];
		}
		default:
			return ["user", `${refused}: ${said}`];
	}
}
