-- SPDX-License-Identifier: Apache-2.0
-- What every migration needs, and the users.
--
-- Three kinds of comment lines are read by the migration runner:
--   min_module: the lowest module level (AUTHSVC_MODULE_LEVEL) that may run on this schema
--   data:       FROM what there are rows that "down" would lose
--   grant:      what the role that httpd connects as is given, without "GRANT" and "TO role"
--
-- min_module: 1
-- data: users
-- grant: SELECT ON authsvc_schema
-- grant: SELECT, UPDATE ON authsvc_database
-- grant: EXECUTE ON FUNCTION authsvc_now(), authsvc_now(bigint)
-- grant: USAGE ON TYPE user_role
-- grant: SELECT, INSERT, UPDATE, DELETE ON users

CREATE TABLE authsvc_schema (
    version     integer      NOT NULL PRIMARY KEY CHECK (version > 0),
    name        varchar(100) NOT NULL,
    checksum    char(64)     NOT NULL,
    min_module  integer      NOT NULL,
    applied_at  timestamptz  NOT NULL DEFAULT now()
);

-- One row. The id is part of every refresh token's MAC, so that a token of one database is
-- nothing to another; the secret's number and fingerprint tell nodes apart that were given
-- different secret files.
CREATE TABLE authsvc_database (
    id                  uuid        NOT NULL PRIMARY KEY DEFAULT gen_random_uuid(),
    secret_number       smallint    CHECK (secret_number BETWEEN 1 AND 255),
    secret_fingerprint  varchar(64),
    CHECK ((secret_number IS NULL) = (secret_fingerprint IS NULL))
);
CREATE UNIQUE INDEX idx_authsvc_database_one_row ON authsvc_database ((true));
INSERT INTO authsvc_database DEFAULT VALUES;

-- The only clock in SQL. statement_timestamp(), not now(): a transaction that waited for a lock
-- must not write the time at which it began.
CREATE FUNCTION authsvc_now() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() $$;

CREATE FUNCTION authsvc_now(seconds bigint) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT statement_timestamp() + seconds * interval '1 second' $$;

CREATE TYPE user_role AS ENUM ('user', 'admin');

CREATE TABLE users (
    id              uuid          NOT NULL PRIMARY KEY DEFAULT gen_random_uuid(),
    email           varchar(255)  NOT NULL UNIQUE,
    password_hash   varchar(255)  NOT NULL,
    name            varchar(100)  NOT NULL,
    role            user_role     NOT NULL DEFAULT 'user',
    email_verified  boolean       NOT NULL DEFAULT false,
    created_at      timestamptz   NOT NULL DEFAULT now(),
    updated_at      timestamptz   NOT NULL DEFAULT now(),
    deleted_at      timestamptz
);
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_created_at ON users (created_at);
