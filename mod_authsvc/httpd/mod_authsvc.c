/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_hooks.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_dbd.h>
#include <mod_dbd.h>

#include "basic.h"
#include "check.h"
#include "child.h"
#include "config.h"
#include "dbd_lease.h"
#include "directives.h"
#include "dump.h"
#include "guard.h"
#include "handler.h"
#include "hash_slots.h"
#include "login_failures.h"
#include "limits.h"
#include "mount.h"
#include "revocation_feed.h"

static void register_hooks(apr_pool_t *pool)
{
    static const char *const after_dbd[] = {"mod_dbd.c", NULL};
    /* Its threads begin in its child_init, and use our connections. It does not wait for them at
       the child's end; revocation_feed.c does. */
    static const char *const before_watchdog[] = {"mod_watchdog.c", NULL};
    static const char *const before_basic[] = {"mod_auth_basic.c", NULL};

    ap_hook_check_config(authsvc_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(authsvc_dump_servers, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(authsvc_hash_slots_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(authsvc_limits_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(authsvc_revocation_feed_post_config, NULL, before_watchdog,
                        APR_HOOK_MIDDLE);
    ap_hook_post_config(authsvc_login_failures_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(authsvc_child_init, after_dbd, before_watchdog, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(dbd, post_connect, authsvc_lease_post_connect, NULL, NULL, APR_HOOK_MIDDLE);

    ap_hook_post_read_request(authsvc_guard_cleanse, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(authsvc_guard_authenticate, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(authsvc_basic_check_authn, NULL, before_basic, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(authsvc_basic_challenge, NULL, before_basic, APR_HOOK_FIRST);
    ap_hook_check_authz(authsvc_guard_authorize, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(authsvc_guard_inherit, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_insert_error_filter(authsvc_guard_insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_handler(authsvc_guard_hand_over, NULL, NULL, APR_HOOK_REALLY_FIRST);
    authsvc_guard_register_filter();
    authsvc_guard_register_providers(pool);
    authsvc_basic_register_provider(pool);

    ap_hook_translate_name(authsvc_mount_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(authsvc_mount_map_to_storage, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_type_checker(authsvc_mount_claim, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(authsvc_handle, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

module authsvc_module = {
    STANDARD20_MODULE_STUFF,
    authsvc_config_create_dir,
    authsvc_config_merge_dir,
    authsvc_config_create_server,
    authsvc_config_merge_server,
    authsvc_directives,
    register_hooks,
    /* httpd would let a virtual host without a directive of ours share the main server's
       configuration; its database may be another one nevertheless. */
    AP_MODULE_FLAG_ALWAYS_MERGE,
};
