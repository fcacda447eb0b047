/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

static const authsvc_statement_t select_node = {
    .name = "node_inspect",
    .sql = "SELECT authsvc_now(), secret_number, secret_fingerprint FROM authsvc_database",
    .reads_only = 1,
    .n_columns = 3,
    .columns = {AUTHSVC_DB_TIME, AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
    .nullable = (1U << 1) | (1U << 2),
};

static const authsvc_statement_t update_secret = {
    .name = "node_record_secret",
    .sql = "UPDATE authsvc_database SET secret_number = $1, secret_fingerprint = $2"
           " WHERE secret_number IS NULL OR secret_number < $1",
    .n_params = 2,
    .params = {AUTHSVC_DB_INT, AUTHSVC_DB_TEXT},
};

const authsvc_statement_t *const authsvc_node_statements[] = {&select_node, &update_secret, NULL};

static authsvc_error_t *node_inspect(authsvc_ctx_t *ctx, authsvc_node_state_t *state)
{
    authsvc_db_result_t *result;
    AUTHSVC_TRY(authsvc_db_run(ctx, &select_node, NULL, &result));
    if (result->n_rows != 1) {
        return AUTHSVC_INTERNAL(ctx->pool, "authsvc_database has %d rows, not one", result->n_rows);
    }
    const authsvc_db_value_t *number = authsvc_db_cell(result, 0, 1);
    const authsvc_db_value_t *fingerprint = authsvc_db_cell(result, 0, 2);
    state->database_now = authsvc_db_cell(result, 0, 0)->integer;
    state->secret_number = number->null ? 0 : (int)number->integer;
    state->secret_fingerprint = fingerprint->null ? NULL : fingerprint->text;
    return NULL;
}

static authsvc_error_t *node_record_secret(authsvc_ctx_t *ctx, int number, const char *fingerprint)
{
    const authsvc_db_value_t params[] = {authsvc_db_int(number), authsvc_db_text(fingerprint)};
    authsvc_db_result_t *result;
    return authsvc_db_run(ctx, &update_secret, params, &result);
}

const authsvc_node_repository_t authsvc_node_repository = {
    .inspect = node_inspect,
    .record_secret = node_record_secret,
};
