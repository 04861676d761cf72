PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE clones_schema (version INTEGER NOT NULL);
INSERT INTO clones_schema VALUES(1);
CREATE TABLE clones_epoch (value INTEGER NOT NULL);
INSERT INTO clones_epoch VALUES(2);
CREATE TABLE clones_pools (
			pool TEXT PRIMARY KEY,
			realm TEXT NOT NULL,
			drained INTEGER NOT NULL DEFAULT 0,
			settings TEXT NOT NULL,
			created_at INTEGER NOT NULL
		);
INSERT INTO clones_pools VALUES('web','lab',0,'{"salt":"s"}',1795310007606);
CREATE TABLE clones_identities (
			pool TEXT NOT NULL REFERENCES clones_pools (pool),
			name_key TEXT NOT NULL,
			ordinal INTEGER NOT NULL,
			realm TEXT NOT NULL,
			name TEXT NOT NULL,
			mac TEXT,
			ips TEXT NOT NULL,
			machine_id TEXT,
			data TEXT NOT NULL,
			secrets BLOB,
			state TEXT NOT NULL CHECK (state IN ('creating', 'free', 'leased', 'returning', 'quarantined', 'removing')),
			owner TEXT,
			epoch INTEGER NOT NULL DEFAULT 0,
			reason TEXT,
			worker TEXT,
			claimed_until INTEGER,
			created_at INTEGER NOT NULL,
			changed_at INTEGER NOT NULL,
			PRIMARY KEY (pool, name_key),
			UNIQUE (realm, name_key),
			UNIQUE (realm, mac),
			UNIQUE (realm, machine_id),
			CHECK (state <> 'leased' OR owner IS NOT NULL)
		);
INSERT INTO clones_identities VALUES('web','web-1',0,'lab','web-1','52:54:00:00:00:01','["10.0.0.1"]','0123456789abcdef0123456789abcdef','{"licence":"L-1"}',X'736563726574206f66207765622d31','leased','organization/project/stack/web-1',2,NULL,NULL,NULL,1795310007609,1795310007758);
INSERT INTO clones_identities VALUES('web','web-2',1,'lab','web-2',NULL,'["10.0.0.2"]','1123456789abcdef0123456789abcdef','{}',X'736563726574206f66207765622d32','free',NULL,1,NULL,NULL,NULL,1795310007609,1795310007755);
INSERT INTO clones_identities VALUES('web','web-3',2,'lab','web-3',NULL,'[]','2123456789abcdef0123456789abcdef','{}',NULL,'creating',NULL,0,NULL,NULL,NULL,1795310007609,1795310007609);
CREATE TABLE clones_addresses (
			realm TEXT NOT NULL,
			ip TEXT NOT NULL,
			pool TEXT NOT NULL,
			name_key TEXT NOT NULL,
			PRIMARY KEY (realm, ip),
			FOREIGN KEY (pool, name_key) REFERENCES clones_identities (pool, name_key) ON DELETE CASCADE
		);
INSERT INTO clones_addresses VALUES('lab','10.0.0.1','web','web-1');
INSERT INTO clones_addresses VALUES('lab','10.0.0.2','web','web-2');
CREATE INDEX clones_identities_by_state ON clones_identities (pool, state, ordinal);
CREATE UNIQUE INDEX clones_identities_by_owner ON clones_identities (pool, owner) WHERE state = 'leased';
CREATE INDEX clones_addresses_by_identity ON clones_addresses (pool, name_key);
CREATE TRIGGER clones_epoch_used AFTER UPDATE OF epoch ON clones_identities WHEN NEW.epoch > OLD.epoch
			BEGIN UPDATE clones_epoch SET value = MAX(value, NEW.epoch); END;
COMMIT;
