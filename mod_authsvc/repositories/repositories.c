/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

const authsvc_repositories_t authsvc_repositories = {
    .users = &authsvc_users_repository,
    .sessions = &authsvc_sessions_repository,
    .node = &authsvc_node_repository,
    .revocations = &authsvc_revocations_repository,
    .failures = &authsvc_login_failures_repository,
    .transaction = authsvc_db_transaction,
    .identity = authsvc_db_identity,
};

const authsvc_statement_t *const *const authsvc_repositories_statements[] = {
    authsvc_users_statements,       authsvc_sessions_statements,    authsvc_sessions_end_statements,
    authsvc_revocations_statements, authsvc_login_failures_statements, authsvc_node_statements,
    NULL,
};
