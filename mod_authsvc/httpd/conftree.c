/* SPDX-License-Identifier: Apache-2.0 */
#include "conftree.h"

#include <http_config.h>
#include <util_cfgtree.h>

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
        }
    }
}

/* The section that a virtual host was made from. */
static const ap_directive_t *find_vhost(const ap_directive_t *node, const server_rec *s)
{
    const ap_directive_t *found;

    for (; node; node = node->next) {
        if (is_condition(node)) {
            found = find_vhost(node->first_child, s);
            if (found) {
                return found;
            }
        } else if (strcasecmp(node->directive, "<VirtualHost") == 0 && s->defn_name &&
                   (unsigned)node->line_num == s->defn_line_number &&
                   strcmp(node->filename, s->defn_name) == 0) {
            return node;
        }
    }
    return NULL;
}

void authsvc_conftree_dbd(apr_pool_t *pool, const server_rec *main_server, const server_rec *s,
                          authsvc_dbd_facts_t *facts)
{
    facts->driver = NULL;
    facts->params = NULL;
    facts->persist = 1;
    read_level(pool, ap_conftree, facts);
    if (s != main_server) {
        const ap_directive_t *vhost = find_vhost(ap_conftree, s);

        if (vhost) {
            read_level(pool, vhost->first_child, facts);
        }
    }
}
