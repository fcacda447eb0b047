-- SPDX-License-Identifier: Apache-2.0
-- Wrong passwords, and where right ones came from. A module that does not know this table works
-- beside it, and counts nothing.
--
-- min_module: 1

-- account: a keyed hash of the normalized email address, whether there is such an account or not.
-- place: 'ip <network>', 'device <id>', or 'all' for the account's sum.
-- failures are those since `since`; from the limit on, each begins a pause, and pauses counts them.
-- succeeded_at: the last right password from this network, within a day.
CREATE TABLE login_failures (
    account       BLOB    NOT NULL CHECK (length(account) = 16),
    place         TEXT    NOT NULL CHECK (length(place) <= 64),
    failures      INTEGER NOT NULL CHECK (failures >= 0),
    pauses        INTEGER NOT NULL CHECK (pauses >= 0),
    since         INTEGER NOT NULL,
    paused_until  INTEGER NOT NULL,
    succeeded_at  INTEGER,
    expires_at    INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_login_failures_expires_at ON login_failures (expires_at);
