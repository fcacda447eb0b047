-- SPDX-License-Identifier: Apache-2.0
-- :users users with three sessions each, beside those that are there. psql variables: users; hash,
-- a password hash that all get. User i is scale<i>@bench.example.com with the id md5('user' i);
-- session i is user (i - 1) % users + 1's, has the id md5('session' i) and the nonce that is the
-- first 16 octets of sha256('nonce' i): so ids lie scattered in the indexes, which is worse than
-- those that the module makes (UUIDv7), and any session's tokens can be made without a login.
SET session_replication_role = replica; -- spares three million look-ups of the foreign key
SET synchronous_commit = off;
INSERT INTO users (id, email, password_hash, name, created_at, updated_at)
SELECT md5('user' || i)::uuid, 'scale' || i || '@bench.example.com', :'hash', 'Scale ' || i,
       now() - i % 1000 * interval '1 day', now()
FROM generate_series(1, :users) i;
INSERT INTO sessions (id, user_id, nonce_hash, counter, epoch, created_at, ip, user_agent)
SELECT md5('session' || i)::uuid, md5('user' || (i - 1) % :users + 1)::uuid,
       sha256(substr(sha256(('nonce' || i)::bytea), 1, 16)), 0, 0,
       now() - i % 20 * interval '1 day', '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64)'
FROM generate_series(1, 3 * :users) i;
RESET session_replication_role;
VACUUM ANALYZE users, sessions;
CHECKPOINT;
