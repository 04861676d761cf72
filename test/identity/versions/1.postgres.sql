SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.clones_addresses (
    realm text NOT NULL,
    ip text NOT NULL,
    pool text NOT NULL,
    name_key text NOT NULL
);
CREATE SEQUENCE public.clones_epoch
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.clones_identities (
    pool text NOT NULL,
    name_key text NOT NULL,
    ordinal bigint NOT NULL,
    realm text NOT NULL,
    name text NOT NULL,
    mac text,
    ips text NOT NULL,
    machine_id text,
    data text NOT NULL,
    secrets bytea,
    state text NOT NULL,
    owner text,
    epoch bigint DEFAULT 0 NOT NULL,
    reason text,
    worker text,
    claimed_until bigint,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    CONSTRAINT clones_identities_check CHECK (((state <> 'leased'::text) OR (owner IS NOT NULL))),
    CONSTRAINT clones_identities_state_check CHECK ((state = ANY (ARRAY['creating'::text, 'free'::text, 'leased'::text, 'returning'::text, 'quarantined'::text, 'removing'::text])))
);
CREATE TABLE public.clones_pools (
    pool text NOT NULL,
    realm text NOT NULL,
    drained bigint DEFAULT 0 NOT NULL,
    settings text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.clones_schema (
    version bigint NOT NULL
);
INSERT INTO public.clones_addresses VALUES ('lab', '10.0.0.1', 'web', 'web-1');
INSERT INTO public.clones_addresses VALUES ('lab', '10.0.0.2', 'web', 'web-2');
INSERT INTO public.clones_identities VALUES ('web', 'web-3', 2, 'lab', 'web-3', NULL, '[]', '2123456789abcdef0123456789abcdef', '{}', NULL, 'creating', NULL, 0, NULL, NULL, NULL, 1795310012458, 1795310012458);
INSERT INTO public.clones_identities VALUES ('web', 'web-2', 1, 'lab', 'web-2', NULL, '["10.0.0.2"]', '1123456789abcdef0123456789abcdef', '{}', '\x736563726574206f66207765622d32', 'free', NULL, 2, NULL, NULL, NULL, 1795310012447, 1795310012498);
INSERT INTO public.clones_identities VALUES ('web', 'web-1', 0, 'lab', 'web-1', '52:54:00:00:00:01', '["10.0.0.1"]', '0123456789abcdef0123456789abcdef', '{"licence":"L-1"}', '\x736563726574206f66207765622d31', 'leased', 'organization/project/stack/web-1', 3, NULL, NULL, NULL, 1795310012444, 1795310012539);
INSERT INTO public.clones_pools VALUES ('web', 'lab', 0, '{"salt":"s"}', 1795310012423);
INSERT INTO public.clones_schema VALUES (1);
SELECT pg_catalog.setval('public.clones_epoch', 3, true);
ALTER TABLE ONLY public.clones_addresses
    ADD CONSTRAINT clones_addresses_pkey PRIMARY KEY (realm, ip);
ALTER TABLE ONLY public.clones_identities
    ADD CONSTRAINT clones_identities_pkey PRIMARY KEY (pool, name_key);
ALTER TABLE ONLY public.clones_identities
    ADD CONSTRAINT clones_identities_realm_mac_key UNIQUE (realm, mac);
ALTER TABLE ONLY public.clones_identities
    ADD CONSTRAINT clones_identities_realm_machine_id_key UNIQUE (realm, machine_id);
ALTER TABLE ONLY public.clones_identities
    ADD CONSTRAINT clones_identities_realm_name_key_key UNIQUE (realm, name_key);
ALTER TABLE ONLY public.clones_pools
    ADD CONSTRAINT clones_pools_pkey PRIMARY KEY (pool);
CREATE INDEX clones_addresses_by_identity ON public.clones_addresses USING btree (pool, name_key);
CREATE UNIQUE INDEX clones_identities_by_owner ON public.clones_identities USING btree (pool, owner) WHERE (state = 'leased'::text);
CREATE INDEX clones_identities_by_state ON public.clones_identities USING btree (pool, state, ordinal);
ALTER TABLE ONLY public.clones_addresses
    ADD CONSTRAINT clones_addresses_pool_name_key_fkey FOREIGN KEY (pool, name_key) REFERENCES public.clones_identities(pool, name_key) ON DELETE CASCADE;
ALTER TABLE ONLY public.clones_identities
    ADD CONSTRAINT clones_identities_pool_fkey FOREIGN KEY (pool) REFERENCES public.clones_pools(pool);
