/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "authsvc/core/json.h"
#include "authsvc/core/settings.h"
#include "authsvc/core/text.h"
#include "authsvc/core/units.h"
#include "authsvc/crypto/blocklist.h"
#include "authsvc/db/provider.h"
#include "authsvc/services/services.h"
#include "database.h"
#include "password.h"
#include "sqlite_file.h"
#include "user_pauses.h"

#define PAGE 500
#define DATABASE_TIME apr_time_from_sec(30)

typedef struct {
    const char *email;
    const char *name;
    const char *role;
    const char *secret_file;
    int json;
    int wants_secrets;
    int may_lack_secrets; /* what needs them is left out */
    ctl_database_options_t database;
    apr_array_header_t *operands;
} asked_t;

/* What a site's directives say of new accounts; the defaults where no configuration is asked. */
static void take_policy(authsvc_settings_t *settings, const authsvc_json_t *policy)
{
    static const struct {
        const char *name;
        size_t place;
    } numbers[] = {
        {"email_utf8", offsetof(authsvc_settings_t, email_utf8)},
        {"password_min", offsetof(authsvc_settings_t, password_min)},
        {"password_max", offsetof(authsvc_settings_t, password_max)},
        {"password_require", offsetof(authsvc_settings_t, password_require)},
        {"password_blocklist", offsetof(authsvc_settings_t, password_blocklist)},
        {"hash_passes", offsetof(authsvc_settings_t, hash_passes)},
    };
    apr_int64_t number;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (authsvc_json_integer(authsvc_json_get(policy, numbers[i].name), &number)) {
            *(int *)((char *)settings + numbers[i].place) = (int)number;
        }
    }
    if (authsvc_json_integer(authsvc_json_get(policy, "hash_memory"), &number)) {
        settings->hash_memory = (apr_size_t)number;
    }
}

/* The site's own files of passwords that nobody may choose. */
static int load_blocklists(ctl_t *ctl, const ctl_database_t *database,
                           authsvc_settings_t *settings)
{
    const authsvc_json_t *paths = authsvc_json_get(database->policy, "blocklists");
    apr_array_header_t *lists = apr_array_make(ctl->pool, 2, sizeof(const authsvc_blocklist_t *));

    for (apr_size_t i = 0; i < authsvc_json_size(paths); i++) {
        const authsvc_blocklist_t *list;
        int unreadable;
        authsvc_error_t *err = authsvc_blocklist_load(
            ctl->pool, authsvc_json_string(authsvc_json_at(paths, i)), &unreadable, &list);

        if (err) {
            return authsvc_ctl_report(ctl, err);
        }
        APR_ARRAY_PUSH(lists, const authsvc_blocklist_t *) = list;
    }
    settings->blocklists = lists;
    return CTL_OK;
}

/* The services as a request meets them, but for what only a server has. */
static int open_services(ctl_t *ctl, const asked_t *asked, authsvc_ctx_t *ctx)
{
    authsvc_settings_t *settings = apr_pcalloc(ctl->pool, sizeof(*settings));
    ctl_database_t database;
    authsvc_error_t *err;
    int status = authsvc_ctl_database_find(ctl, &asked->database, &database);

    if (status == CTL_OK) {
        status = authsvc_ctl_sqlite_file_check(ctl, &database, 0);
    }
    if (status == CTL_OK && asked->email && database.policies) {
        status = authsvc_ctl_failed(ctl, "the servers of this database have different rules for "
                                         "accounts: choose one with --vhost and a name of %s",
                                    database.policies);
    }
    if (status != CTL_OK) {
        return status;
    }
    authsvc_settings_init(settings, ctl->pool);
    take_policy(settings, database.policy);
    settings->sites = database.sites;
    if (database.failures_window > 0) {
        settings->account_failures_window = database.failures_window;
    }
    if (asked->email && load_blocklists(ctl, &database, settings) != CTL_OK) {
        return CTL_FAILED;
    }
    ctx->pool = ctl->pool;
    ctx->settings = settings;
    ctx->log = &ctl->log;
    ctx->repositories = &authsvc_repositories;
    ctx->db_budget = DATABASE_TIME;
    err = authsvc_db_open(ctl->pool, database.driver, database.params, &ctx->db);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    return asked->wants_secrets
               ? authsvc_ctl_pauses_open(ctl,
                                         asked->secret_file ? asked->secret_file
                                                            : database.secret_file,
                                         asked->may_lack_secrets, settings)
               : CTL_OK;
}

/* One line for each wrong member, as a form would show them. */
static int report(ctl_t *ctl, const authsvc_error_t *err)
{
    int status = CTL_FAILED;

    if (!err->fields || err->fields->nelts == 0) {
        return authsvc_ctl_report(ctl, err);
    }
    for (int i = 0; i < err->fields->nelts; i++) {
        const authsvc_error_field_t *field =
            &APR_ARRAY_IDX(err->fields, i, authsvc_error_field_t);

        status = authsvc_ctl_failed(ctl, "%s %s", field->pointer + 1, field->detail);
    }
    return status;
}

static const char *status_of(const authsvc_user_t *user)
{
    return user->deleted_at ? "deactivated" : "active";
}

/* U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows on the line. */
static int turns_direction(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    for (; *at; at++) {
        if (at[0] == 0xe2 && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
                              (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9))) {
            return 1;
        }
    }
    return 0;
}

/* A row that was not written by this service may hold anything. */
static const char *printable(const char *text)
{
    return authsvc_text_has_control(text, strlen(text)) || turns_direction(text)
               ? "(not printable)"
               : text;
}

static authsvc_json_t *json_of(ctl_t *ctl, const authsvc_user_t *user)
{
    authsvc_json_t *line = authsvc_json_object(ctl->pool);

    authsvc_json_set_string(line, "id", user->id);
    authsvc_json_set_string(line, "email", user->email);
    authsvc_json_set_string(line, "name", user->name);
    authsvc_json_set_string(line, "role", user->role);
    authsvc_json_set_string(line, "status", status_of(user));
    authsvc_json_set_bool(line, "email_verified", user->email_verified);
    authsvc_json_set_string(line, "created_at", authsvc_time_rfc3339(ctl->pool, user->created_at));
    return line;
}

static void print_line(ctl_t *ctl, const authsvc_json_t *line)
{
    fprintf(ctl->out, "%s\n", authsvc_json_dump_ascii(ctl->pool, line));
}

static void print_json(ctl_t *ctl, const authsvc_user_t *user)
{
    print_line(ctl, json_of(ctl, user));
}

static void print_user(ctl_t *ctl, const asked_t *asked, const authsvc_user_t *user)
{
    if (asked->json) {
        print_json(ctl, user);
        return;
    }
    fprintf(ctl->out,
            "id: %s\nemail: %s\nname: %s\nrole: %s\nstatus: %s\nemail verified: %s\ncreated: %s\n",
            user->id, printable(user->email), printable(user->name), user->role, status_of(user),
            user->email_verified ? "yes" : "no",
            authsvc_time_rfc3339(ctl->pool, user->created_at));
}

static int create(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked)
{
    const authsvc_user_t *user = NULL;
    ctl_password_t password;
    authsvc_error_t *err;
    int status = authsvc_ctl_password_read(ctl, &password);

    if (status != CTL_OK) {
        explicit_bzero(&password, sizeof(password));
        return status;
    }
    err = authsvc_administration_create(ctx, asked->email, password.text, password.len,
                                        asked->name, asked->role ? asked->role : AUTHSVC_ROLE_USER,
                                        &user);
    explicit_bzero(&password, sizeof(password));
    if (err) {
        return report(ctl, err);
    }
    print_user(ctl, asked, user);
    return CTL_OK;
}

static int set(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_administration_set_role(
        ctx, APR_ARRAY_IDX(asked->operands, 0, const char *), asked->role, &user);

    if (err) {
        return report(ctl, err);
    }
    print_user(ctl, asked, user);
    return CTL_OK;
}

static int find(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked, const authsvc_user_t **user)
{
    authsvc_error_t *err = authsvc_administration_find(
        ctx, APR_ARRAY_IDX(asked->operands, 0, const char *), user);

    return err ? report(ctl, err) : CTL_OK;
}

static int show(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked)
{
    const authsvc_user_t *user = NULL;
    int status = find(ctl, ctx, asked, &user);

    if (status != CTL_OK) {
        return status;
    }
    if (asked->json) {
        authsvc_json_t *line = json_of(ctl, user);

        status = authsvc_ctl_pauses_add(ctl, ctx, user, line);
        if (status == CTL_OK) {
            print_line(ctl, line);
        }
        return status;
    }
    print_user(ctl, asked, user);
    return authsvc_ctl_pauses_print(ctl, ctx, user);
}

static int unlock(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked)
{
    const authsvc_user_t *user = NULL;
    int status = find(ctl, ctx, asked, &user);

    return status == CTL_OK ? authsvc_ctl_pauses_end(ctl, ctx, user) : status;
}

static void print_row(ctl_t *ctl, const asked_t *asked, const authsvc_user_t *user)
{
    if (asked->json) {
        print_json(ctl, user);
    } else {
        fprintf(ctl->out, "%-36s  %-5s  %-11s  %-27s  %s  %s\n", user->id, user->role,
                status_of(user), authsvc_time_rfc3339(ctl->pool, user->created_at),
                printable(user->email), printable(user->name));
    }
}

/* Page by page, each in a pool of its own: there may be millions. */
static int list(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked)
{
    authsvc_user_page_t page = {.role = asked->role, .limit = PAGE};
    apr_pool_t *pools[2] = {NULL, NULL};
    apr_array_header_t *users;

    if (!asked->json) {
        fprintf(ctl->out, "%-36s  %-5s  %-11s  %-27s  %s  %s\n", "ID", "ROLE", "STATUS", "CREATED",
                "EMAIL", "NAME");
    }
    for (int turn = 0;; turn = 1 - turn) {
        ctl_t paged = *ctl;
        authsvc_error_t *err;

        if (pools[turn]) {
            apr_pool_clear(pools[turn]);
        } else {
            apr_pool_create(&pools[turn], ctl->pool);
        }
        paged.pool = ctx->pool = pools[turn];
        ctx->db_budget = DATABASE_TIME;
        err = authsvc_administration_list(ctx, &page, &users);
        if (err) {
            return report(ctl, err);
        }
        for (int i = 0; i < users->nelts; i++) {
            page.after = APR_ARRAY_IDX(users, i, authsvc_user_t *);
            print_row(&paged, asked, page.after);
        }
        if (users->nelts < PAGE) {
            return CTL_OK;
        }
    }
}

/* An action: what it needs, and what it may have beside DATABASE and --json. */
typedef struct {
    const char *name;
    int (*run)(ctl_t *ctl, authsvc_ctx_t *ctx, const asked_t *asked);
    int operands;
    int needs_person; /* --email and --name */
    int takes_role;
    int needs_role;
    int takes_secrets; /* --secret-file */
} action_t;

static const action_t actions[] = {
    {"create", create, 0, 1, 1, 0, 0},
    {"list", list, 0, 0, 1, 0, 0},
    {"set", set, 1, 0, 1, 1, 0},
    {"show", show, 1, 0, 0, 0, 1},
    {"unlock", unlock, 1, 0, 0, 0, 1},
};

static int check(ctl_t *ctl, const action_t *action, const asked_t *asked)
{
    if (asked->operands->nelts != action->operands) {
        return authsvc_ctl_misused(ctl, action->operands ? "%s needs one user: an email address or "
                                                           "an id"
                                                         : "%s takes no user",
                                   action->name);
    }
    if (action->needs_person ? !asked->email || !asked->name : asked->email || asked->name) {
        return authsvc_ctl_misused(ctl, "--email and --name are what create needs");
    }
    if ((asked->role && !action->takes_role) || (!asked->role && action->needs_role)) {
        return authsvc_ctl_misused(ctl, "--role goes with create and list, and set needs it");
    }
    if (asked->secret_file && !action->takes_secrets) {
        return authsvc_ctl_misused(ctl, "--secret-file goes with show and unlock");
    }
    return CTL_OK;
}

int authsvc_ctl_user(ctl_t *ctl, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const action_t *action = NULL;
    authsvc_ctx_t ctx = {0};
    asked_t asked = {0};
    const ctl_option_t options[] = {
        {"email", &asked.email, NULL},
        {"name", &asked.name, NULL},
        {"role", &asked.role, NULL},
        {"secret-file", &asked.secret_file, NULL},
        {"json", NULL, &asked.json},
        CTL_DATABASE_OPTIONS(asked.database),
        {0},
    };
    int status;

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(name, actions[i].name) == 0) {
            action = &actions[i];
        }
    }
    if (!action) {
        return authsvc_ctl_misused(ctl, "say what to do: create, list, set, show or unlock");
    }
    status = authsvc_ctl_options(ctl, argc - 1, argv + 1, options, &asked.operands);
    if (status == CTL_OK) {
        status = check(ctl, action, &asked);
    }
    if (status == CTL_OK) {
        asked.wants_secrets = action->takes_secrets;
        asked.may_lack_secrets = action->run == show && !asked.secret_file;
        status = open_services(ctl, &asked, &ctx);
    }
    return status == CTL_OK ? action->run(ctl, &ctx, &asked) : status;
}
