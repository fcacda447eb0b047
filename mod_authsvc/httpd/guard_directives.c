/* SPDX-License-Identifier: Apache-2.0 */
#include "guard_directives.h"

#include "authsvc/api/guard.h"
#include "authsvc/core/url.h"
#include "config.h"

const char *authsvc_guard_set_remote_user(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    if (strcasecmp(arg, "sub") == 0) {
        AUTHSVC_SET(config, remote_user, AUTHSVC_REMOTE_USER_SUB);
    } else if (strcasecmp(arg, "email") == 0) {
        AUTHSVC_SET(config, remote_user, AUTHSVC_REMOTE_USER_EMAIL);
    } else {
        return "AuthSvcRemoteUser is sub (the user's id, which never changes) or email";
    }
    return NULL;
}

const char *authsvc_guard_set_login_page(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    if (strcasecmp(arg, "Off") == 0) {
        arg = NULL;
    } else if (!authsvc_guard_is_return_path(arg) || strpbrk(arg, "?#\"<>")) {
        return "AuthSvcLoginPage takes the path of a page on this host, such as /login/ (without "
               "a query or fragment), or Off";
    }
    AUTHSVC_SET(config, login_page, arg);
    return NULL;
}

const char *authsvc_guard_set_forward_headers(cmd_parms *cmd, void *dir, int flag)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    AUTHSVC_SET(config, forward_headers, flag);
    return NULL;
}

const char *authsvc_guard_set_forward_bearer(cmd_parms *cmd, void *dir, int flag)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    AUTHSVC_SET(config, forward_bearer, flag);
    return NULL;
}

const char *authsvc_guard_set_forward_token(cmd_parms *cmd, void *dir, const char *arg)
{
    authsvc_dir_config_t *config = dir;

    (void)cmd;
    if (strcasecmp(arg, "Off") == 0) {
        arg = NULL;
    } else if (!authsvc_name_is_plain(arg)) {
        return "AuthSvcForwardToken takes the backend's name, which becomes the token's aud: 1 to "
               "255 ASCII characters without white space and quotes; or Off";
    }
    AUTHSVC_SET(config, forward_token, arg);
    return NULL;
}
