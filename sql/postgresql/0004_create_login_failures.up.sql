-- SPDX-License-Identifier: Apache-2.0
-- Wrong passwords, and where right ones came from. A module that does not know this table works
-- beside it, and counts nothing.
--
-- min_module: 1
-- grant: SELECT, INSERT, UPDATE, DELETE ON login_failures

-- account: a keyed hash of the normalized email address, whether there is such an account or not.
-- place: 'ip <network>', 'device <id>', or 'all' for the account's sum.
-- failures are those since `since`; from the limit on, each begins a pause, and pauses counts them.
-- succeeded_at: the last right password from this network, within a day.
CREATE TABLE login_failures (
    account       bytea        NOT NULL CHECK (octet_length(account) = 16),
    place         varchar(64)  NOT NULL,
    failures      integer      NOT NULL CHECK (failures >= 0),
    pauses        integer      NOT NULL CHECK (pauses >= 0),
    since         timestamptz  NOT NULL,
    paused_until  timestamptz  NOT NULL,
    succeeded_at  timestamptz,
    expires_at    timestamptz  NOT NULL,
    PRIMARY KEY (account, place)
);
CREATE INDEX idx_login_failures_expires_at ON login_failures (expires_at);
