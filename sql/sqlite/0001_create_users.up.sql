-- SPDX-License-Identifier: Apache-2.0
-- What every migration needs, and the users. The columns are those of PostgreSQL; uuid and enum
-- are TEXT, boolean is 0 or 1, a time is an INTEGER of microseconds since 1970. authsvc_now() is
-- a function of the connection and no column's default can call it: every INSERT gives the times.
--
-- min_module: 1
-- data: users

CREATE TABLE authsvc_schema (
    version     INTEGER NOT NULL PRIMARY KEY CHECK (version > 0),
    name        TEXT    NOT NULL,
    checksum    TEXT    NOT NULL,
    min_module  INTEGER NOT NULL,
    applied_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE authsvc_database (
    id                  TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    secret_number       INTEGER CHECK (secret_number BETWEEN 1 AND 255),
    secret_fingerprint  TEXT,
    CHECK ((secret_number IS NULL) = (secret_fingerprint IS NULL))
) STRICT;
CREATE UNIQUE INDEX idx_authsvc_database_one_row ON authsvc_database ((1));
-- A version 4 UUID.
INSERT INTO authsvc_database (id)
    SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-' ||
           substr('89ab', 1 + (r & 3), 1) || substr(h, 18, 3) || '-' || substr(h, 21)
      FROM (SELECT lower(hex(randomblob(16))) AS h, random() AS r);

CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    email           TEXT    NOT NULL UNIQUE CHECK (length(email) <= 255),
    password_hash   TEXT    NOT NULL CHECK (length(password_hash) <= 255),
    name            TEXT    NOT NULL CHECK (length(name) <= 100),
    role            TEXT    NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    email_verified  INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT;
CREATE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_created_at ON users (created_at);
