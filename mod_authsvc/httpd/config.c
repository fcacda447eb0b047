/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <apr_strings.h>

#define MERGE(type, name)                                           \
    merged->name = add->name##_set ? add->name : base->name;        \
    merged->name##_set = add->name##_set ? add->name##_set : base->name##_set;

void *authsvc_config_create_server(apr_pool_t *pool, server_rec *s)
{
    authsvc_server_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)s;
    config->mounts = apr_array_make(pool, 2, sizeof(authsvc_mount_t));
    return config;
}

void *authsvc_config_merge_server(apr_pool_t *pool, void *base_config, void *add_config)
{
    const authsvc_server_config_t *base = base_config;
    const authsvc_server_config_t *add = add_config;
    authsvc_server_config_t *merged = apr_pcalloc(pool, sizeof(*merged));

    AUTHSVC_SERVER_SETTINGS(MERGE)
    /* Two ways to say which key signs: the virtual host's takes the place of either. */
    if (add->signing_key_set && !add->key_directory_set) {
        merged->key_directory_set = 0;
    }
    if (add->key_directory_set && !add->signing_key_set) {
        merged->signing_key_set = 0;
    }
    /* As httpd does with the Location sections themselves: the main server's come first. */
    merged->mounts = apr_array_append(pool, base->mounts, add->mounts);
    return merged;
}

void *authsvc_config_create_dir(apr_pool_t *pool, char *dir)
{
    (void)dir;
    return apr_pcalloc(pool, sizeof(authsvc_dir_config_t));
}

void *authsvc_config_merge_dir(apr_pool_t *pool, void *base_config, void *add_config)
{
    const authsvc_dir_config_t *base = base_config;
    const authsvc_dir_config_t *add = add_config;
    authsvc_dir_config_t *merged = apr_pcalloc(pool, sizeof(*merged));

    AUTHSVC_DIR_SETTINGS(MERGE)
    return merged;
}

authsvc_server_config_t *authsvc_config_server(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &authsvc_module);
}

const authsvc_dir_config_t *authsvc_config_dir(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &authsvc_module);
}

void authsvc_config_add_mount(authsvc_server_config_t *config, const char *path, int on)
{
    authsvc_mount_t *mount = apr_array_push(config->mounts);

    mount->path = path;
    mount->on = on;
}

int authsvc_config_same_database(const authsvc_dbd_facts_t *a, const authsvc_dbd_facts_t *b)
{
    return a->driver && a->params && b->driver && b->params && strcmp(a->driver, b->driver) == 0 &&
           strcmp(a->params, b->params) == 0;
}

/* The last word on a path counts, as in a merge of Location sections. */
int authsvc_config_is_mounted(const authsvc_server_config_t *config)
{
    int i, later;

    for (i = 0; i < config->mounts->nelts; i++) {
        const authsvc_mount_t *mount = &APR_ARRAY_IDX(config->mounts, i, authsvc_mount_t);
        int on = mount->on;

        for (later = i + 1; later < config->mounts->nelts; later++) {
            const authsvc_mount_t *other = &APR_ARRAY_IDX(config->mounts, later, authsvc_mount_t);

            if (strcmp(mount->path, other->path) == 0) {
                on = other->on;
            }
        }
        if (on) {
            return 1;
        }
    }
    return 0;
}
