/** Scripts about who a machine is in its network. */
import type { LibraryScript } from "./scripts";
import { kinds, setting } from "./settings";

const interfaceSetting = setting("interface", "Which network interface.", kinds.interface, {
	default: "the first that is hardware",
});

const HOSTS = /^\s*(#.*|[0-9A-Fa-f.:]+(\s+[A-Za-z0-9][A-Za-z0-9.-]*)+\s*(#.*)?)?$/;

export const networkScripts = {
	hostname: {
		description: "Gives the machine its name, with or without a domain.",
		kind: "init",
		stage: "early",
		settings: [setting("name", "The name.", kinds.hostName, { required: true })],
	},
	"static-address": {
		description: "Gives an interface addresses of its own instead of those of DHCP.",
		kind: "init",
		stage: "early",
		everyBoot: true,
		settings: [
			setting("address", "Addresses with their prefixes, IPv4 and IPv6.", kinds.addressWithPrefix, {
				kind: "list",
				required: true,
			}),
			setting("gateway", "Routers, at most one of each family.", kinds.address, { kind: "list", default: "none" }),
			setting("dns", "Name servers.", kinds.address, { kind: "list", default: "as it is" }),
			interfaceSetting,
		],
	},
	ipv6: {
		description: "How an interface comes to its IPv6 addresses; after `static-address`, where both are used.",
		kind: "init",
		stage: "early",
		everyBoot: true,
		settings: [
			setting("mode", "None at all, by router advertisements, or a given one.", kinds.choice("off", "auto", "static"), {
				default: "auto",
			}),
			setting("address", "With mode static: the address with its prefix.", kinds.ipv6WithPrefix),
			setting("gateway", "With mode static: the router.", kinds.ipv6Address, { default: "none" }),
			interfaceSetting,
		],
		rules: [
			{
				property: "address",
				needs: ["mode", "address"],
				check: ({ mode = "auto", address }) => {
					if (mode === "static" && address === undefined) return `is required; with mode static ${allowedAddress}`;
					const isOther = mode === "off" || mode === "auto";
					return isOther && address !== undefined
						? `is given with mode ${mode}; allowed is that with mode static`
						: undefined;
				},
			},
		],
	},
	"dhcp-client-id": {
		description:
			"By what id the machine asks the DHCP server, so that clones of one image get leases of their own; after " +
			"`static-address` and `ipv6`, where they are used.",
		kind: "init",
		stage: "early",
		settings: [
			setting(
				"id",
				"A text, or `mac` for the interface's address.",
				kinds.pattern(
					/^[A-Za-z0-9._:-]{1,64}$/,
					"allowed are 1 to 64 letters, digits, dots, underscores, colons and hyphens",
				),
				{ required: true },
			),
			interfaceSetting,
		],
	},
	"hosts-file": {
		description: "Keeps the names of all siblings in /etc/hosts, in lines of its own.",
		kind: "init",
		stage: "early",
		settings: [
			setting(
				"hosts",
				"Lines of an address and its names.",
				{
					allowed: "allowed are lines of an address and names, such as 10.0.0.10 web-0",
					accepts: (text) => text.split("\n").every((line) => HOSTS.test(line)) && text.trim() !== "",
				},
				{ kind: "text", required: true },
			),
		],
	},
} satisfies Record<string, LibraryScript>;

const allowedAddress = kinds.ipv6WithPrefix.allowed;
