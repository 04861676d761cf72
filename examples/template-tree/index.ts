import * as pulumi from "@pulumi/pulumi";
import { Network, StoragePool, TemplateCatalog, Volume } from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const shops = config.require("shops").split(",");

const pool = new StoragePool("template-tree", { path: config.require("poolPath") });
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });
const network = new Network("template-tree", { ipv4: "192.168.156.1/24" });

// What a shop is to have. The first one is put together from the nearest template; for the second there is one of its own.
const webServer = {
	path: "/etc/init.d/web",
	mode: "0755",
	content: '#!/bin/sh\n[ "$1" = stop ] || exec httpd -p 80 -h /www\n',
};
const goods = { path: "/var/lib/shop/goods", content: "apples\npears\nplums\n" };
const shop = {
	files: [webServer, goods],
	commands: [
		["mkdir", "-p", "/www"],
		["/bin/sh", "-c", "sort -r /var/lib/shop/goods > /www/goods; echo sold by > /run/shop; hostname >> /run/shop"],
	],
	startBeforeFork: ["web"],
};

const catalog = new TemplateCatalog("apps", {
	pool,
	images: {
		micro: {
			base: gold,
			// The image makes /run/booted at the end of its start; with systemd that is waited for anyway.
			ready: { exec: ["/bin/sh", "-c", "[ -e /run/booted ]"], intervalSeconds: 1 },
		},
	},
	templates: {
		base: { configuration: { domain: { memoryMiB: 128 } } },
		web: {
			parent: "base",
			configuration: { files: [webServer], commands: [["mkdir", "-p", "/www"]], startBeforeFork: ["web"] },
		},
	},
	sets: Object.fromEntries(shops.map((name) => [name, { configuration: shop, count: 1, network }])),
});

export const machines = catalog.children;
export const templates = catalog.tree;
export const tree = catalog.text;
