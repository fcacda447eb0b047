-- SPDX-License-Identifier: Apache-2.0
-- What was revoked lately, for those who believe access tokens without asking for each request.
-- A module that does not know these tables works beside them; but what it ends, those who read
-- the feed see at the token's end only.
--
-- min_module: 1
-- grant: SELECT, INSERT, UPDATE, DELETE ON revocations
-- grant: SELECT, UPDATE ON authsvc_revocation_feed

-- An entry (id, n) says that the tokens of session id (or the verdicts on user id) of epoch n or
-- less are over. Readers ask for xid >= the oldest transaction that was still running when they asked
-- last. A sequence would lose entries: a lower value may be committed after a higher one was read.
CREATE TABLE revocations (
    session_id  uuid         NOT NULL,
    epoch       bigint       NOT NULL,
    expires_at  timestamptz  NOT NULL,
    xid         xid8         NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (xid, session_id, epoch)
);
CREATE INDEX idx_revocations_expires_at ON revocations (expires_at);

-- One row. How long an access token of any node lives, in seconds: so long an entry must, too.
CREATE TABLE authsvc_revocation_feed (
    token_lifetime  bigint  NOT NULL CHECK (token_lifetime > 0)
);
CREATE UNIQUE INDEX idx_authsvc_revocation_feed_one_row ON authsvc_revocation_feed ((true));
INSERT INTO authsvc_revocation_feed (token_lifetime) VALUES (900);
