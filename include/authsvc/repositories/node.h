/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_REPOSITORIES_NODE_H
#define AUTHSVC_REPOSITORIES_NODE_H

#include "authsvc/db/db.h"

/** What this node and the database know of each other. */
typedef struct {
    apr_time_t database_now;
    int secret_number;              /* of the newest secret a node signed with; 0: none yet */
    const char *secret_fingerprint; /* of it; NULL: none yet */
} authsvc_node_state_t;

typedef struct {
    authsvc_error_t *(*inspect)(authsvc_ctx_t *ctx, authsvc_node_state_t *state);

    /** Record a secret if its number is higher than the recorded one's. */
    authsvc_error_t *(*record_secret)(authsvc_ctx_t *ctx, int number, const char *fingerprint);
} authsvc_node_repository_t;

#endif
