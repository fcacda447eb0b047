-- SPDX-License-Identifier: Apache-2.0
-- What was revoked lately, for those who believe access tokens without asking for each request.
-- A module that does not know these tables works beside them; but what it ends, those who read
-- the feed see at the token's end only.
--
-- min_module: 1

-- An entry (id, n) says that the tokens of session id (or the verdicts on user id) of epoch n or
-- less are over. A sequence is enough here: there is one writer at a time, so that values are committed
-- in their order. The last one stays when others are purged, so that none comes twice.
CREATE TABLE revocations (
    sequence    INTEGER PRIMARY KEY,
    session_id  TEXT    NOT NULL CHECK (length(session_id) = 36),
    epoch       INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX idx_revocations_expires_at ON revocations (expires_at);

-- One row. How long an access token of any node lives, in seconds: so long an entry must, too.
CREATE TABLE authsvc_revocation_feed (
    token_lifetime  INTEGER NOT NULL CHECK (token_lifetime > 0)
) STRICT;
CREATE UNIQUE INDEX idx_authsvc_revocation_feed_one_row ON authsvc_revocation_feed ((1));
INSERT INTO authsvc_revocation_feed (token_lifetime) VALUES (900);
