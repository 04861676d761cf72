export type { Row, Table } from "./common";
export { Environment } from "./environment";
export { ForkedVMSet, ForkPoint, TemplateCatalog } from "./forks";
export { Identity, IdentityPool, Lessees } from "./identities";
export { ClonedInstanceWithInit } from "./init";
export { Domain, ThinClonePool } from "./machines";
export { MorphMigration, MorphTemplate } from "./morph";
export { Network, StoragePool, Volume } from "./storage";
