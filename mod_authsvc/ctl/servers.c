/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>
#include <strings.h>

#define OUTPUT_MAX (4 * 1024 * 1024)
#define MARK "authsvc-server: "

static const char *read_all(ctl_t *ctl, apr_file_t *file)
{
    char *text = apr_palloc(ctl->pool, OUTPUT_MAX + 1);
    apr_size_t len = 0;

    (void)apr_file_read_full(file, text, OUTPUT_MAX, &len);
    text[len] = '\0';
    return text;
}

/* Where the program's error messages go: a file, since two pipes could block each other. */
static apr_file_t *scratch(ctl_t *ctl)
{
    const char *directory;
    apr_file_t *file;

    if (apr_temp_dir_get(&directory, ctl->pool) != APR_SUCCESS ||
        apr_file_mktemp(&file, apr_pstrcat(ctl->pool, directory, "/authsvcctl-XXXXXX", NULL), 0,
                        ctl->pool) != APR_SUCCESS) {
        return NULL;
    }
    return file;
}

/* @return what httpd printed, NULL after a message */
static const char *ask_httpd(ctl_t *ctl, const char *program, const char *config,
                             const char **warnings)
{
    const char *const argv[] = {program, "-t", "-f", config, "-D", "DUMP_AUTHSVC", NULL};
    apr_file_t *errors = scratch(ctl);
    apr_procattr_t *attr;
    apr_exit_why_e why;
    const char *output;
    apr_proc_t child;
    apr_off_t start = 0;
    int code;

    if (!errors || apr_procattr_create(&attr, ctl->pool) != APR_SUCCESS ||
        apr_procattr_io_set(attr, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE) != APR_SUCCESS ||
        apr_procattr_child_err_set(attr, errors, NULL) != APR_SUCCESS ||
        apr_procattr_error_check_set(attr, 1) != APR_SUCCESS ||
        apr_procattr_cmdtype_set(attr, APR_PROGRAM_PATH) != APR_SUCCESS ||
        apr_proc_create(&child, program, argv, NULL, attr, ctl->pool) != APR_SUCCESS) {
        authsvc_ctl_failed(ctl, "%s cannot be run; name httpd with --httpd", program);
        return NULL;
    }
    output = read_all(ctl, child.out);
    if (apr_proc_wait(&child, &code, &why, APR_WAIT) != APR_CHILD_DONE ||
        !APR_PROC_CHECK_EXIT(why) || code != 0) {
        (void)apr_file_seek(errors, APR_SET, &start);
        authsvc_ctl_failed(ctl, "%s -t refuses %s:\n%s", program, config, read_all(ctl, errors));
        return NULL;
    }
    (void)apr_file_seek(errors, APR_SET, &start);
    *warnings = read_all(ctl, errors);
    return output;
}

static int add_server(ctl_t *ctl, apr_array_header_t *servers, const char *text, apr_size_t len)
{
    authsvc_json_t *line = authsvc_json_parse(ctl->pool, text, len, NULL);
    ctl_server_t server = {0};

    server.line = line;
    server.name = authsvc_json_get_string(line, "server");
    server.driver = authsvc_json_get_string(line, "driver");
    server.params = authsvc_json_get_string(line, "params");
    if (!line || !server.name || !server.driver || !server.params ||
        !authsvc_json_integer(authsvc_json_get(line, "port"), &server.port)) {
        return authsvc_ctl_failed(ctl, "httpd's answer is not understood: is its mod_authsvc of "
                                       "another version?");
    }
    server.serves = authsvc_json_type(authsvc_json_get(line, "mounted")) == AUTHSVC_JSON_TRUE;
    APR_ARRAY_PUSH(servers, ctl_server_t) = server;
    return CTL_OK;
}

/* Accounts may be registered elsewhere: then those that guard are meant. */
static void fall_back_to_guards(apr_array_header_t *servers)
{
    for (int i = 0; i < servers->nelts; i++) {
        if (APR_ARRAY_IDX(servers, i, ctl_server_t).serves) {
            return;
        }
    }
    for (int i = 0; i < servers->nelts; i++) {
        ctl_server_t *server = &APR_ARRAY_IDX(servers, i, ctl_server_t);

        server->serves = authsvc_json_get(server->line, "policy") != NULL;
    }
}

static int read_servers(ctl_t *ctl, const char *output, apr_array_header_t *servers)
{
    while (*output) {
        const char *end = strchr(output, '\n');
        apr_size_t len = end ? (apr_size_t)(end - output) : strlen(output);

        if (strncmp(output, MARK, strlen(MARK)) == 0) {
            int status =
                add_server(ctl, servers, output + strlen(MARK), len - strlen(MARK));
            if (status != CTL_OK) {
                return status;
            }
        }
        output += end ? len + 1 : len;
    }
    if (servers->nelts == 0) {
        return authsvc_ctl_failed(ctl, "that configuration does not load mod_authsvc");
    }
    fall_back_to_guards(servers);
    return CTL_OK;
}

static int has_name(const ctl_server_t *server, const char *name)
{
    const authsvc_json_t *aliases = authsvc_json_get(server->line, "aliases");

    if (strcasecmp(server->name, name) == 0) {
        return 1;
    }
    for (apr_size_t i = 0; i < authsvc_json_size(aliases); i++) {
        const char *alias = authsvc_json_string(authsvc_json_at(aliases, i));
        if (alias && strcasecmp(alias, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int authsvc_ctl_server_is(apr_pool_t *pool, const ctl_server_t *server, const char *vhost)
{
    const char *colon = strrchr(vhost, ':');

    if (has_name(server, vhost)) {
        return 1;
    }
    return colon && has_name(server, apr_pstrmemdup(pool, vhost, (apr_size_t)(colon - vhost))) &&
           strcmp(colon + 1, apr_psprintf(pool, "%" APR_INT64_T_FMT, server->port)) == 0;
}

int authsvc_ctl_servers_read(ctl_t *ctl, const ctl_database_options_t *asked,
                             apr_array_header_t **servers, const char **warnings)
{
    const char *output;
    char *config;

    *servers = apr_array_make(ctl->pool, 8, sizeof(ctl_server_t));
    /* httpd would take a relative name as one below its own ServerRoot. */
    if (apr_filepath_merge(&config, NULL, asked->config, APR_FILEPATH_NATIVE, ctl->pool) !=
        APR_SUCCESS) {
        return authsvc_ctl_misused(ctl, "--config %s is no file name", asked->config);
    }
    output = ask_httpd(ctl, asked->httpd ? asked->httpd : AUTHSVC_HTTPD, config, warnings);
    return output ? read_servers(ctl, output, *servers) : CTL_FAILED;
}
