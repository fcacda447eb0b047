/* SPDX-License-Identifier: Apache-2.0 */
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
    {"getJwks", authsvc_operation_get_jwks},
    {"getOpenidConfiguration", authsvc_operation_get_openid_configuration},
    {"getOpenapi", authsvc_operation_get_openapi},
    {"getProblem", authsvc_operation_get_problem},
    {"getLiveness", authsvc_operation_get_liveness},
    {"getReadiness", authsvc_operation_get_readiness},
    {NULL, NULL},
};
