/* SPDX-License-Identifier: Apache-2.0 */
#include "mount.h"

#include <apr_strings.h>
#include <http_config.h>

#include "config.h"
#include "request_state.h"

int authsvc_mount_owns(const request_rec *r)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);

    return config && config->enabled;
}

/* map_to_storage runs without the Location's configuration: httpd takes it away before that hook
   and merges it again after. */
int authsvc_mount_map_to_storage(request_rec *r)
{
    const authsvc_request_state_t *state = authsvc_request_state_peek(r);

    return state && state->mounted ? OK : DECLINED;
}

int authsvc_mount_claim(request_rec *r)
{
    if (!authsvc_mount_owns(r)) {
        return DECLINED;
    }
    authsvc_request_state(r)->mounted = 1;
    if (r->proxyreq == PROXYREQ_REVERSE) {
        /* ProxyPass with mapping=encoded has been here before the URL was decoded. */
        r->proxyreq = PROXYREQ_NONE;
    }
    /* No file: so no directory walk, no .htaccess, no slash added, no other representation. A
       handler: so no FallbackResource. */
    r->filename = apr_pstrcat(r->pool, "authsvc:", r->uri, NULL);
    r->finfo.filetype = APR_NOFILE;
    r->path_info = apr_pstrdup(r->pool, "");
    r->handler = "authsvc";
    return OK;
}

/* What the client wrote where now `path` is, without the query. */
static int is_as_written(const request_rec *r, const char *path)
{
    apr_size_t written = strcspn(r->unparsed_uri, "?#");
    apr_size_t len = strlen(path);

    return written >= len && memcmp(r->unparsed_uri + written - len, path, len) == 0;
}

const char *authsvc_mount_path(const request_rec *r)
{
    const authsvc_dir_config_t *config = authsvc_config_dir(r);
    apr_size_t len = strlen(config->mount);
    const unsigned char *p;
    const char *path;

    if (strncmp(r->uri, config->mount, len) != 0 || (r->uri[len] != '/' && r->uri[len] != '\0')) {
        return NULL;
    }
    path = r->uri + len;
    for (p = (const unsigned char *)path; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return NULL;
        }
    }
    if (!is_as_written(r, path)) {
        return NULL;
    }
    return *path ? path : "/";
}
