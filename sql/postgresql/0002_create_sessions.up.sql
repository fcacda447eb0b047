-- SPDX-License-Identifier: Apache-2.0
-- One row per session; a refresh updates it in place.
--
-- min_module: 1
-- data: sessions
-- grant: SELECT, INSERT, UPDATE, DELETE ON sessions

-- Rotation writes counter and rotated_at. Neither is in an index, and a third of each page stays
-- free, so that the update is heap-only (HOT) and touches no index.
-- A session was last used when it was rotated last, or else created.
CREATE TABLE sessions (
    id            uuid          NOT NULL PRIMARY KEY,
    user_id       uuid          NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    nonce_hash    bytea         NOT NULL CHECK (octet_length(nonce_hash) = 32),
    counter       integer       NOT NULL DEFAULT 0 CHECK (counter >= 0),
    epoch         integer       NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    created_at    timestamptz   NOT NULL DEFAULT now(),
    rotated_at    timestamptz,
    revoked_at    timestamptz,
    ip            varchar(45),
    user_agent    varchar(255)
) WITH (fillfactor = 67);

-- Not partial (WHERE revoked_at IS NULL): the foreign key's cascade needs every row, and a
-- revocation stays heap-only too.
CREATE INDEX idx_sessions_user_id ON sessions (user_id);
-- For the purge: no session outlives its absolute limit, which counts from here.
CREATE INDEX idx_sessions_created_at ON sessions (created_at);
