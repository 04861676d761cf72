import * as pulumi from "@pulumi/pulumi";
import { Environment } from "pulumi-libvirt-clones";

// Each stack is an environment of its own: dev-web-0 beside prod-web-0. What they consist of is in the file.
const environment = new Environment(pulumi.getStack(), { file: "clones.yaml" });

export const machines = environment.machines;
