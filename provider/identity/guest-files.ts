/** Where a machine finds of its identity what is not host name, machine-id or host keys. */

/** Names, addresses, licence id, data, and what only the machine may know. */
export const IDENTITY_FILE = "/etc/machine-identity.json";

/** The keys of its account, for Kerberos. */
export const KEYTAB = "/etc/krb5.keytab";
