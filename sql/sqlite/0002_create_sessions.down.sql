-- SPDX-License-Identifier: Apache-2.0
DROP INDEX idx_sessions_created_at;
DROP INDEX idx_sessions_user_id;
DROP TABLE sessions;
