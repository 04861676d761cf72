export * from "./components/thin-clone-pool";
export type * from "./components/thin-clone-pool/args";
export type { Usage } from "./components/thin-clone-pool/usage";
export * from "./provider/domain/resource";
export type { HostArgs, Reference } from "./provider/dynamic";
export * from "./provider/network/resource";
export * from "./provider/pool/resource";
export * from "./provider/volume/resource";
export type { Lineage } from "./provider/volume/schema";
