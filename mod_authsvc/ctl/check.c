/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WARNINGS 3

void authsvc_ctl_found(ctl_check_t *check, ctl_finding_t finding, const char *what,
                       const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "error"};
    const char *text;
    va_list args;

    va_start(args, format);
    text = apr_pvsprintf(check->ctl->pool, format, args);
    va_end(args);
    if (check->server) {
        fprintf(check->ctl->out, "%-7s  %s:%" APR_INT64_T_FMT "  %s: %s\n", words[finding],
                check->server->name, check->server->port, what, text);
    } else {
        fprintf(check->ctl->out, "%-7s  %s: %s\n", words[finding], what, text);
    }
    check->worst = finding > check->worst ? finding : check->worst;
}

apr_int64_t authsvc_ctl_fact(const ctl_check_t *check, const char *name)
{
    apr_int64_t number = 0;

    (void)authsvc_json_integer(authsvc_json_get(check->facts, name), &number);
    return number;
}

/* What httpd itself warns of, which nobody reads at a graceful restart. */
static void show_warnings(ctl_check_t *check, const char *said)
{
    char *rest, *line;

    for (line = apr_strtok(apr_pstrdup(check->ctl->pool, said), "\n", &rest); line;
         line = apr_strtok(NULL, "\n", &rest)) {
        const char *ours = strstr(line, ": AuthSvc in ");

        /* looked at below, in more detail */
        if (ours && !strstr(line, "holds no key that follows")) {
            authsvc_ctl_found(check, CTL_WARNING, "configuration", "%s", ours + 2);
        }
    }
}

static void check_watchdog(ctl_check_t *check)
{
    if (authsvc_json_type(authsvc_json_get(check->facts, "watchdog")) == AUTHSVC_JSON_TRUE) {
        authsvc_ctl_found(check, CTL_FINE, "mod_watchdog", "is loaded");
    } else {
        authsvc_ctl_found(check, CTL_WARNING, "mod_watchdog",
                          "is not loaded; what has to be done regularly is done by it. Load it "
                          "(Debian builds it in; elsewhere: LoadModule watchdog_module)");
    }
}

/*
 * As httpd's children do: PostgreSQL may know us by our user's name ("peer"), and SQLite makes
 * files beside its database. For good; it comes last.
 */
static int become_httpd_user(ctl_check_t *check)
{
    uid_t uid = (uid_t)authsvc_ctl_fact(check, "uid");
    gid_t gid = (gid_t)authsvc_ctl_fact(check, "gid");
    const struct passwd *user;

    if (geteuid() != 0 || uid == 0) {
        return CTL_OK;
    }
    user = getpwuid(uid);
    if ((user ? initgroups(user->pw_name, gid) : setgroups(0, NULL)) != 0 || setgid(gid) != 0 ||
        setuid(uid) != 0) {
        return authsvc_ctl_failed(check->ctl, "cannot become the user that httpd runs as: %s",
                                  strerror(errno));
    }
    return CTL_OK;
}

static int is_same_database(const ctl_server_t *a, const ctl_server_t *b)
{
    return strcmp(a->driver, b->driver) == 0 && strcmp(a->params, b->params) == 0;
}

static void check_databases(ctl_check_t *check, const apr_array_header_t *chosen)
{
    for (int i = 0; i < chosen->nelts; i++) {
        int seen = 0;

        check->server = APR_ARRAY_IDX(chosen, i, const ctl_server_t *);
        check->facts = authsvc_json_get(check->server->line, "facts");
        for (int k = 0; k < i; k++) {
            seen |= is_same_database(check->server, APR_ARRAY_IDX(chosen, k, const ctl_server_t *));
        }
        if (!seen) {
            authsvc_ctl_check_database(check);
        }
    }
}

static int check_servers(ctl_t *ctl, const apr_array_header_t *chosen, const char *warnings)
{
    static const int statuses[] = {CTL_OK, EXIT_WARNINGS, CTL_FAILED};
    ctl_check_t check = {ctl, NULL, NULL, CTL_FINE};

    show_warnings(&check, warnings);
    for (int i = 0; i < chosen->nelts; i++) {
        check.server = APR_ARRAY_IDX(chosen, i, const ctl_server_t *);
        check.facts = authsvc_json_get(check.server->line, "facts");
        if (!check.facts) {
            return authsvc_ctl_failed(ctl, "httpd's answer is not understood: is its mod_authsvc "
                                           "of another version?");
        }
        check_watchdog(&check);
        authsvc_ctl_check_files(&check);
    }
    if (become_httpd_user(&check) != CTL_OK) {
        return CTL_FAILED;
    }
    check_databases(&check, chosen);
    return statuses[check.worst];
}

int authsvc_ctl_check(ctl_t *ctl, int argc, char **argv)
{
    ctl_database_options_t asked = {0};
    const ctl_option_t options[] = {{"config", &asked.config, NULL},
                                    {"vhost", &asked.vhost, NULL},
                                    {"httpd", &asked.httpd, NULL},
                                    {0}};
    apr_array_header_t *operands, *servers, *chosen;
    const char *warnings;
    int status;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (!asked.config || operands->nelts != 0) {
        return authsvc_ctl_misused(ctl, "say which configuration, and nothing else: --config");
    }
    status = authsvc_ctl_servers_read(ctl, &asked, &servers, &warnings);
    if (status != CTL_OK) {
        return status;
    }
    chosen = apr_array_make(ctl->pool, 4, sizeof(const ctl_server_t *));
    for (int i = 0; i < servers->nelts; i++) {
        const ctl_server_t *server = &APR_ARRAY_IDX(servers, i, ctl_server_t);

        if (server->serves &&
            (!asked.vhost || authsvc_ctl_server_is(ctl->pool, server, asked.vhost))) {
            APR_ARRAY_PUSH(chosen, const ctl_server_t *) = server;
        }
    }
    if (chosen->nelts == 0) {
        return authsvc_ctl_failed(ctl, "%s has no \"AuthSvc On\", and guards nothing",
                                  asked.vhost ? asked.vhost : "that configuration");
    }
    return check_servers(ctl, chosen, warnings);
}
