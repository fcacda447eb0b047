-- SPDX-License-Identifier: Apache-2.0
DROP INDEX idx_users_created_at;
DROP INDEX idx_users_email;
DROP TABLE users;
DROP TABLE authsvc_database;
DROP TABLE authsvc_schema;
