/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/core/json.h"
#include "authsvc/core/settings.h"
#include "authsvc/crypto/crypto.h"
#include "authsvc/crypto/password.h"
#include "authsvc/db/migrate.h"
#include "authsvc/db/provider.h"
#include "inject.h"
#include "services/limiter.h"

#define LONG_AGO apr_time_from_sec(1800000000)
#define MINUTE apr_time_from_sec(60)

/* Ids, hashes and nonces are random; whether they fit together is not. */
static const authsvc_statement_t dump_statement = {
    .name = "dump",
    .sql = "SELECT (SELECT group_concat(x, char(10)) FROM (SELECT email || '|' || name || '|' ||"
           " role || '|' || email_verified || '|' || created_at || '|' || updated_at || '|' ||"
           " ifnull(deleted_at, '-') || '|' || substr(password_hash, 1, 28) AS x FROM users"
           " ORDER BY x))"
           " || char(10) || '" SCENE_SESSIONS "' || char(10) ||"
           " (SELECT group_concat(x, char(10)) FROM (SELECT ifnull(u.email, '?') ||"
           " '|' || s.counter || '|' || s.epoch || '|' || s.created_at || '|' ||"
           " ifnull(s.rotated_at, '-') || '|' || ifnull(s.revoked_at, '-') || '|' ||"
           " ifnull(s.ip, '-') || '|' || ifnull(s.user_agent, '-') AS x"
           " FROM sessions s LEFT JOIN users u ON u.id = s.user_id ORDER BY x))"
           " || char(10) || (SELECT COUNT(*) || '|' || ifnull(SUM(epoch), 0) FROM revocations)"
           " || char(10) || (SELECT COUNT(*) || '|' || ifnull(SUM(failures), 0) || '|' ||"
           " ifnull(MAX(succeeded_at), 0) FROM login_failures)"
           " || char(10) || (SELECT ifnull(secret_number, '-') || '|' ||"
           " (secret_fingerprint IS NULL) FROM authsvc_database)",
    .reads_only = 1,
    .n_columns = 1,
    .columns = {AUTHSVC_DB_TEXT},
};

#define must(expression)                                                                \
    do {                                                                                \
        const authsvc_error_t *must_err = (expression);                                 \
        if (must_err) {                                                                 \
            ck_abort_msg("%s", authsvc_error_describe(must_err, must_err->pool));       \
        }                                                                               \
    } while (0)

static apr_pool_t *new_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    /* Of its own: blocks that another pool gave back would spare it a malloc. */
    ck_assert_int_eq(apr_allocator_create(&allocator), APR_SUCCESS);
    ck_assert_int_eq(apr_pool_create_ex(&pool, NULL, inject_out_of_memory, allocator),
                     APR_SUCCESS);
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static void make_settings(scene_t *scene, const char *algorithm)
{
    apr_pool_t *pool = scene->pool;
    authsvc_settings_t *settings = &scene->settings;
    authsvc_secrets_t *secrets;
    authsvc_keyset_t *keys;
    authsvc_key_t *key;
    const char *text;

    authsvc_json_init();
    must(authsvc_crypto_init(pool));
    authsvc_settings_init(settings, pool);
    settings->issuer = settings->audience = "https://example.org/api/v1";
    settings->origin = "https://example.org";
    settings->problem_base = "https://example.org/api/v1/problems/";
    settings->hash_memory = (apr_size_t)16 * 1024;
    settings->hash_passes = 2;
    if (INJECT_SANITIZED) {
        settings->hash_nice = 0; /* the sanitizer ends a process that has no memory for a thread */
    }
    must(authsvc_password_dummy(pool, settings->hash_memory, settings->hash_passes,
                                &settings->dummy_hash));
    must(authsvc_key_generate(pool, algorithm, 0, &text));
    must(authsvc_key_from_pem(pool, "test", text, strlen(text), 1, &key));
    must(authsvc_keyset_create(pool, key, NULL, &keys));
    must(authsvc_secrets_generate(pool, 1, &text));
    must(authsvc_secrets_parse(pool, "test", text, strlen(text), &secrets));
    settings->keys = keys;
    settings->secrets = secrets;
    must(authsvc_api_create(pool, &scene->api));
}

static const char *sign_up(scene_t *scene, const char *email, authsvc_grant_t *grant)
{
    must(authsvc_registration_register(&scene->ctx, email, SCENE_PASSWORD, strlen(SCENE_PASSWORD),
                                       "Ada", grant));
    return apr_pstrdup(scene->pool, grant->refresh_token);
}

static const char *exchange(scene_t *scene, const char *token)
{
    authsvc_grant_t grant;

    must(authsvc_sessions_refresh(&scene->ctx, token, &grant));
    return apr_pstrdup(scene->pool, grant.refresh_token);
}

static void fall_behind(scene_t *scene, int from)
{
    authsvc_db_conn_t *conn;
    apr_time_t deadline = authsvc_clock_monotonic() + MINUTE;

    must(scene->db->take(scene->db, &scene->ctx, deadline, &conn));
    must(authsvc_db_script(conn, &scene->ctx,
                           apr_psprintf(scene->pool, "UPDATE sessions SET counter = 0, "
                                                     "rotated_at = NULL WHERE counter = %d", from),
                           deadline));
    scene->db->give(scene->db, &scene->ctx, conn);
}

static const char *log_in(scene_t *scene)
{
    authsvc_grant_t grant;

    must(authsvc_login(&scene->ctx, "ada@example.com", SCENE_PASSWORD, strlen(SCENE_PASSWORD),
                       &grant));
    return apr_pstrdup(scene->pool, grant.refresh_token);
}

/* Who is there: see scene_t. */
static void populate(scene_t *scene)
{
    authsvc_grant_t grant = {0};
    const char *token;

    scene->now = LONG_AGO;
    sign_up(scene, "bob@example.com", &grant);
    scene->settings.hash_passes = 1;
    sign_up(scene, "old@example.com", &grant);
    scene->settings.hash_passes = 2;
    scene->refresh = sign_up(scene, "ada@example.com", &grant);
    scene->ada = grant.user;
    scene->reused = log_in(scene);
    exchange(scene, scene->reused);
    token = exchange(scene, log_in(scene));
    scene->now += MINUTE;
    token = exchange(scene, token);
    scene->now += MINUTE;
    scene->ahead = exchange(scene, token);
    fall_behind(scene, 3);
    scene->now += MINUTE;
    scene->in_grace = log_in(scene);
    exchange(scene, scene->in_grace);
    must(authsvc_login(&scene->ctx, "ada@example.com", SCENE_PASSWORD, strlen(SCENE_PASSWORD),
                       &grant));
    scene->access = apr_pstrdup(scene->pool, grant.access_token);
    scene->refresh = apr_pstrdup(scene->pool, grant.refresh_token);
    must(authsvc_authentication_verify(&scene->ctx, scene->access, strlen(scene->access),
                                       &scene->principal));
}

static void remove_log(const char *path)
{
    char name[512];

    snprintf(name, sizeof(name), "%s-wal", path);
    unlink(name);
    snprintf(name, sizeof(name), "%s-shm", path);
    unlink(name);
}

/* The process may have the number of one before it, and so the name of its files. */
void scene_make(scene_t *scene, const char *name, const char *algorithm)
{
    memset(scene, 0, sizeof(*scene));
    scene->pool = new_pool();
    make_settings(scene, algorithm);
    scene->template = apr_psprintf(scene->pool, "%s-template", name);
    scene->path = scene->template;
    remove_log(scene->path);
    unlink(scene->path);
    scene_open(scene);
    scene->ctx.db_budget = MINUTE;
    must(authsvc_migrate_up(&scene->ctx, 0, NULL, NULL, NULL));
    populate(scene);
    scene->path = apr_psprintf(scene->pool, "%s-copy", name);
    /* SQLite moves its log into the file, and nobody inherits the connection. */
    apr_pool_destroy(scene->db_pool);
    scene->db = NULL;
    scene->limiter = unit_limiter(scene->pool, &scene->now);
}

void scene_free(scene_t *scene)
{
    if (scene->pool) {
        apr_pool_destroy(scene->ctx.pool);
        apr_pool_destroy(scene->pool);
        memset(scene, 0, sizeof(*scene));
    }
}

static void write_file(const char *path, const char *data, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, data, size), (ssize_t)size);
    close(file);
}

void scene_copy(const scene_t *scene)
{
    static char data[1024 * 1024];
    int file = open(scene->template, O_RDONLY);
    ssize_t size;

    ck_assert_int_ge(file, 0);
    size = read(file, data, sizeof(data));
    close(file);
    ck_assert_int_gt(size, 0);
    ck_assert_int_lt(size, (ssize_t)sizeof(data));
    remove_log(scene->path);
    write_file(scene->path, data, (size_t)size);
}

static void write_log(void *baton, authsvc_log_level_t level, const char *line)
{
    (void)baton;
    (void)level;
    if (getenv("TORTURE_LOG")) {
        fprintf(stderr, "%s\n", line);
    }
}

void scene_request(scene_t *scene)
{
    static const authsvc_log_t log = {write_log, NULL};
    static authsvc_clock_t clock;
    authsvc_ctx_t *ctx = &scene->ctx;

    clock.now = unit_clock_now;
    clock.baton = &scene->now;
    memset(ctx, 0, sizeof(*ctx));
    ctx->pool = new_pool();
    ctx->settings = &scene->settings;
    ctx->log = &log;
    ctx->clock = &clock;
    ctx->db = scene->db;
    ctx->db_budget = MINUTE;
    ctx->repositories = &authsvc_repositories;
    ctx->gate = &scene->gate;
    ctx->request_id = "request-1";
    ctx->client_ip = "192.0.2.1";
    ctx->user_agent = "unit/1.0";
    ctx->principal = scene->principal;
    ctx->limiter = scene->limiter;
}

void scene_open(scene_t *scene)
{
    authsvc_gate_init(&scene->gate, 1);
    scene->db_pool = new_pool();
    must(authsvc_db_open(scene->db_pool, "sqlite3", scene->path, &scene->db));
    scene_request(scene);
}

void scene_dump(const scene_t *scene, char dump[SCENE_DUMP])
{
    apr_time_t deadline = authsvc_clock_monotonic() + MINUTE;
    authsvc_ctx_t ctx = {.pool = new_pool()};
    authsvc_db_result_t *result;
    authsvc_db_conn_t *conn;

    must(authsvc_db_open(ctx.pool, "sqlite3", scene->path, &ctx.db));
    must(ctx.db->take(ctx.db, &ctx, deadline, &conn));
    must(authsvc_db_conn_run(conn, &ctx, &dump_statement, NULL, deadline, &result));
    ck_assert_int_eq(result->n_rows, 1);
    ck_assert_int_lt(snprintf(dump, SCENE_DUMP, "%s", authsvc_db_cell(result, 0, 0)->text),
                     SCENE_DUMP);
    apr_pool_destroy(ctx.pool);
}

