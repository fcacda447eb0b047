/* SPDX-License-Identifier: Apache-2.0 */
#include "conftree.h"

#include <http_config.h>
#include <util_cfgtree.h>

#include "guard.h"

static const char *argument(apr_pool_t *pool, const ap_directive_t *node)
{
    const char *args = node->args;

    return ap_getword_conf(pool, &args);
}

/* <IfModule>, <IfDefine> and their kin, where they are kept, hold what is active. */
static int is_condition(const ap_directive_t *node)
{
    return strncasecmp(node->directive, "<If", 3) == 0 && node->directive[3] != '\0';
}

static void read_level(apr_pool_t *pool, const ap_directive_t *node, authsvc_dbd_facts_t *facts)
{
    for (; node; node = node->next) {
        if (is_condition(node)) {
            read_level(pool, node->first_child, facts);
        } else if (strcasecmp(node->directive, "DBDriver") == 0) {
            facts->driver = argument(pool, node);
        } else if (strcasecmp(node->directive, "DBDParams") == 0) {
            facts->params = argument(pool, node);
        } else if (strcasecmp(node->directive, "DBDPersist") == 0) {
            facts->persist = strcasecmp(argument(pool, node), "off") != 0;
        } else if (strcasecmp(node->directive, "DBDInitSQL") == 0) {
            facts->init_sql = 1;
        }
    }
}

/*
 * The sections that a virtual host may have been made from: there must be one. The pointers are
 * compared, not the names: a file that is included twice, or a macro that is used twice, makes two
 * virtual hosts of one name and line, but each reading of it has its own copy of the name, which
 * httpd hands from the section to the server.
 */
static int find_vhost(const ap_directive_t *node, const server_rec *s,
                      const ap_directive_t **vhost)
{
    int found = 0;

    for (; node; node = node->next) {
        if (is_condition(node)) {
            found += find_vhost(node->first_child, s, vhost);
        } else if (strcasecmp(node->directive, "<VirtualHost") == 0 &&
                   (unsigned)node->line_num == s->defn_line_number &&
                   node->filename == s->defn_name) {
            *vhost = node;
            found++;
        }
    }
    return found;
}

void authsvc_conftree_dbd(apr_pool_t *pool, const server_rec *main_server, const server_rec *s,
                          authsvc_dbd_facts_t *facts)
{
    const ap_directive_t *vhost = NULL;

    memset(facts, 0, sizeof(*facts));
    facts->persist = 1;
    facts->known = s == main_server || find_vhost(ap_conftree, s, &vhost) == 1;
    if (!facts->known) {
        return;
    }
    read_level(pool, ap_conftree, facts);
    if (vhost) {
        read_level(pool, vhost->first_child, facts);
    }
}

static int level_guards(apr_pool_t *pool, const ap_directive_t *node)
{
    for (; node; node = node->next) {
        if (strcasecmp(node->directive, "AuthType") == 0 &&
            strcasecmp(argument(pool, node), AUTHSVC_AUTH_TYPE) == 0) {
            return 1;
        }
        if (strcasecmp(node->directive, "<VirtualHost") != 0 &&
            level_guards(pool, node->first_child)) {
            return 1;
        }
    }
    return 0;
}

int authsvc_conftree_guards(apr_pool_t *pool, const server_rec *main_server, const server_rec *s)
{
    const ap_directive_t *vhost = NULL;

    if (s == main_server) {
        return level_guards(pool, ap_conftree);
    }
    return find_vhost(ap_conftree, s, &vhost) == 1 && level_guards(pool, vhost->first_child);
}
