-- SPDX-License-Identifier: Apache-2.0
-- One row per session; a refresh updates it in place.
--
-- min_module: 1
-- data: sessions

CREATE TABLE sessions (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    nonce_hash    BLOB    NOT NULL CHECK (length(nonce_hash) = 32),
    counter       INTEGER NOT NULL DEFAULT 0 CHECK (counter BETWEEN 0 AND 2147483647),
    epoch         INTEGER NOT NULL DEFAULT 0 CHECK (epoch BETWEEN 0 AND 2147483647),
    created_at    INTEGER NOT NULL,
    rotated_at    INTEGER,
    revoked_at    INTEGER,
    ip            TEXT    CHECK (length(ip) <= 45),
    user_agent    TEXT    CHECK (length(user_agent) <= 255)
) STRICT;
CREATE INDEX idx_sessions_user_id ON sessions (user_id);
CREATE INDEX idx_sessions_created_at ON sessions (created_at);
