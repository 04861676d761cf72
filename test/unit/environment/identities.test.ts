import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Environment, type EnvironmentDefinition, ThinClonePool } from "../../../index";
import { registeredBy } from "../components/mocks";
import { argsOf, complaintsOf, loadObject, loadYaml } from "./helpers";

const POOL = "identityPools: { web: { names: 'web-{01}', count: 3, ipv4: [10.0.0.10-10.0.0.99] } }\n";
const COMPONENT = "kind: ThinClonePool, base: { existing: /gold }, pool: { existing: images }, count: 1";

describe("identities in a definition", () => {
	it("are referred to by machines, by networks and by single identities", () => {
		const declarations = loadYaml(`${POOL}
identities: { spare: { pool: web, prefer: [web-03] } }
networks: { lab: { ipv4: 10.0.0.1/24, dhcp: { hosts: web } } }
components: { web: { ${COMPONENT}, identityPool: web } }
`);
		const pools = declarations.all.flatMap(({ section, tree }) =>
			section === "components" || section === "identities"
				? [tree.entries.get("identityPool") ?? tree.entries.get("pool")]
				: [],
		);
		assert.deepEqual(
			pools.map((node) => node?.kind === "link" && [node.to, node.name]),
			[
				["identityPool", "web"],
				["identityPool", "web"],
			],
		);
		assert.deepEqual(argsOf(declarations, "lab").dhcp, { hosts: "-> web" });
	});

	it("are on no host, however many there are, and do not say where others are", () => {
		const two = "hosts: { a: { uri: 'test:///a' }, b: { uri: 'test:///b' } }\n";
		const component = `components: { web: { ${COMPONENT}, identityPool: web } }\n`;
		assert.deepEqual(
			complaintsOf(() => loadYaml(two + POOL + component)),
			["clones.yaml:3:15: components.web.host: is required; allowed are a, b"],
		);
		assert.match(
			complaintsOf(() => loadYaml(POOL.replace("count", "host: a, count")))[0]!,
			/^clones\.yaml:1:44: identityPools\.web\.host: there is no such property/,
		);
	});

	it("give a network the addresses that it keeps, and clones of a pool who they are", async () => {
		const registered = await registeredBy(() => {
			const environment = new Environment("staging", {
				definition: {
					identityPools: { web: { names: "web-{01}", count: 3 } },
					networks: { lab: { ipv4: "10.0.0.1/24", dhcp: { start: "10.0.0.100", hosts: "web" } } },
					components: {
						web: {
							kind: "ThinClonePool",
							base: { existing: "/gold" },
							pool: { existing: "p" },
							count: 1,
							identityPool: "web",
						},
					},
				},
			});
			const [pool, lab] = [environment.identityPools.get("web"), environment.networks.get("lab")];
			return [pool.name, lab.id, environment.components.get("web", ThinClonePool).instances];
		});
		const of = (type: string) => registered.filter((own) => own.type.endsWith(`:${type}`)).map(({ name }) => name);
		assert.deepEqual([of("IdentityPool"), of("Identity")], [["staging-web"], ["staging-web-0"]]);
		const network = registered.find(({ type }) => type.endsWith(":Network"))!;
		assert.deepEqual(network.inputs.dhcp, {
			start: "10.0.0.100",
			hosts: [{ mac: "52:54:00:10:00:01", ip: "10.0.0.10", name: "web-01" }],
		});
	});

	it("are refused where no pool of that name is declared", () => {
		const text = `${POOL}
identities: { spare: { pool: wep }, other: { pool: 5 } }
networks: { lab: { ipv4: 10.0.0.1/24, dhcp: { hosts: lab } } }
components: { web: { ${COMPONENT}, identityPool: images } }
`;
		const otherwise = "for one of another stack write { existing: its output access }";
		assert.deepEqual(
			complaintsOf(() => loadYaml(text)),
			[
				`clones.yaml:3:30: identities.spare.pool: no identity pool is declared as "wep"; did you mean "web"?; ${otherwise}`,
				"clones.yaml:3:52: identities.other.pool: got 5; allowed is the name of a declared identity pool (web) " +
					"or { existing: its output access }",
				`clones.yaml:4:54: networks.lab.dhcp.hosts: no identity pool is declared as "lab"; declared: web; ${otherwise}`,
				`clones.yaml:5:${40 + COMPONENT.length - 2}: components.web.identityPool: no identity pool is declared as "images"; declared: web; ${otherwise}`,
			],
		);
	});

	it("refuse the name of a pool of another stack, of which only its access leads there", () => {
		const text = `components: { web: { ${COMPONENT}, identityPool: { existing: web } } }`;
		const [complaint] = complaintsOf(() => loadYaml(text));
		assert.match(
			complaint!,
			/components\.web\.identityPool\.existing: got "web"; allowed is an IdentityPool, or its output access/,
		);
	});

	it("are checked as a whole, with the place of what is wrong", () => {
		const text = `
identityPools:
  a: { names: web, count: 3 }
  b: { names: "b-{1}", count: 3, ipv4: [10.0.0.10-10.0.0.11] }
  c: { identities: [{ name: c }, { name: d, mac: 01:00:00:00:00:01 }] }
  d: { names: "d-{1}", count: 1, directory: { ldap: { url: "ldap://dc1", user: cn=a, password: p, baseDn: dc=a } } }
  e: { names: "e-{1}", count: 1, store: {} }
  f: { names: "f-{1}" }
`;
		const complaints = complaintsOf(() => loadYaml(text));
		assert.match(complaints[0]!, /^clones\.yaml:3:15: identityPools\.a\.names: got "web", which has no counter/);
		assert.match(complaints[1]!, /^clones\.yaml:4:34: identityPools\.b\.ipv4: got .*room for 2 machines; count is 3/);
		assert.match(complaints[2]!, /^clones\.yaml:5:50: identityPools\.c\.identities\[1\]\.mac: got .* multicast/);
		assert.match(complaints[3]!, /^clones\.yaml:6:60: identityPools\.d\.directory\.ldap\.url: .*unencrypted/);
		assert.match(complaints[4]!, /^clones\.yaml:7:34: identityPools\.e\.store: got none; allowed is exactly one/);
		assert.match(complaints[5]!, /^clones\.yaml:8:3: identityPools\.f\.count: is missing/);
		assert.equal(complaints.length, 6);
	});

	it("keep a secret of the configuration out of what is told", () => {
		const text = `
variables: { password: { config: secretPassword } }
identityPools:
  web:
    names: web-{1}
    count: 1
    directory: { ldap: { url: "ldaps://dc1", user: nobody, password: "\${password}", baseDn: machines } }
`;
		const config = { secretPassword: "hunter2-hunter2" };
		const complaints = complaintsOf(() => loadYaml(text, { config }));
		assert.equal(complaints.length, 1);
		assert.match(complaints[0]!, /directory\.ldap\.baseDn: got "machines"; allowed is a distinguished name/);
		assert.doesNotMatch(complaints[0]!, /hunter2/);
	});

	it("can come from a program, as names, resources and outputs", () => {
		const definition: EnvironmentDefinition = {
			identityPools: { web: { names: "web-{1}", count: pulumi.output(3) } },
			identities: { spare: { pool: "web" }, other: { pool: pulumi.secret("access") } },
			networks: { lab: { ipv4: "10.0.0.1/24", dhcp: { hosts: "web" } } },
			components: {
				web: {
					kind: "ThinClonePool",
					base: { existing: "/gold" },
					pool: { existing: "p" },
					count: 1,
					identityPool: "web",
				},
			},
		};
		assert.equal(loadObject(definition).all.length, 5);
	});
});
