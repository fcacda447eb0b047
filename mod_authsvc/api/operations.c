/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api_private.h"

const authsvc_binding_t authsvc_operations[] = {
    {"register", authsvc_operation_register},
    {"login", authsvc_operation_login},
    {"refresh", authsvc_operation_refresh},
    {"logout", authsvc_operation_logout},
    {"logoutAll", authsvc_operation_logout_all},
    {"getMe", authsvc_operation_get_me},
    {"updateMe", authsvc_operation_update_me},
    {"deleteMe", authsvc_operation_delete_me},
    {"listSessions", authsvc_operation_list_sessions},
    {"endSession", authsvc_operation_end_session},
    {"getJwks", authsvc_operation_get_jwks},
    {"getOpenidConfiguration", authsvc_operation_get_openid_configuration},
    {"getOpenapi", authsvc_operation_get_openapi},
    {"getProblem", authsvc_operation_get_problem},
    {"getLiveness", authsvc_operation_get_liveness},
    {"getReadiness", authsvc_operation_get_readiness},
    {NULL, NULL},
};

/* Only for operations whose service checks members by the site's policy. */
static const struct {
    const char *id;
    void (*add)(authsvc_call_t *call, authsvc_error_t **err);
} policies[] = {
    {"register", authsvc_register_add_faults},
    {"updateMe", authsvc_update_me_add_faults},
};

void authsvc_operations_add_faults(authsvc_call_t *call, authsvc_error_t **err)
{
    apr_size_t i;

    for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (strcmp(policies[i].id, call->operation->id) == 0) {
            policies[i].add(call, err);
        }
    }
}
