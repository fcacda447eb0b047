/* SPDX-License-Identifier: Apache-2.0 */
#include "planted.h"

#include "authsvc/core/uuid.h"
#include "authsvc/db/provider.h"

/* Faults that torture() must find, each in a different way. */

static void ignores_an_error(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user;

    (void)authsvc_account_rename(&scene->ctx, "Countess", &user);
    answer->status = 200;
}

static void blames_the_client(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user;

    answer->status = authsvc_account_get(&scene->ctx, &user) ? 401 : 200;
}

/* A deletion without its transaction. */
static void does_one_half(scene_t *scene, answer_t *answer)
{
    authsvc_ctx_t *ctx = &scene->ctx;
    const char *id = ctx->principal->session.user_id;
    const authsvc_user_t *user;
    apr_array_header_t *ended;
    int deleted;

    answer->status = authsvc_account_get(ctx, &user) ||
                             ctx->repositories->users->mark_deleted(ctx, user, &deleted) ||
                             ctx->repositories->sessions->revoke_all(ctx, id, &ended)
                         ? 500
                         : 200;
}

static void fails_when_it_is_done(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user;

    answer->status = authsvc_account_rename(&scene->ctx, "Countess", &user) ||
                             !authsvc_uuid_v7(scene->ctx.pool, 0)
                         ? 500
                         : 200;
}

/* By a pointer: static analysis would see the faults, and a compiler drop what is unused. */
static void *(*volatile allocate)(size_t len) = malloc;

static void does_not_look(scene_t *scene, answer_t *answer)
{
    volatile char *memory = allocate(16);

    (void)scene;
    memory[0] = 'x';
    answer->status = 200;
    free((void *)memory);
}

static void keeps_the_connection(scene_t *scene, answer_t *answer)
{
    authsvc_ctx_t *ctx = &scene->ctx;
    authsvc_db_conn_t *conn;
    void *memory;

    answer->status = 503;
    if (!ctx->db->take(ctx->db, ctx, 0, &conn)) {
        memory = allocate(16);
        if (memory) {
            ctx->db->give(ctx->db, ctx, conn);
            answer->status = 200;
        }
        free(memory);
    }
}

static void stays_in_the_gate(scene_t *scene, answer_t *answer)
{
    void *memory = NULL;

    authsvc_gate_enter(scene->ctx.gate);
    memory = allocate(16);
    if (memory) {
        authsvc_gate_leave(scene->ctx.gate);
    }
    answer->status = memory ? 200 : 503;
    free(memory);
}

static void loses_part_of_its_answer(scene_t *scene, answer_t *answer)
{
    char *memory = allocate(16);

    (void)scene;
    answer->status = 200;
    answer->text = memory ? "{\"whole\":true}" : "{\"whole";
    free(memory);
}

const planted_t planted[] = {
    {{"ignores an error", ignores_an_error, 200, 0, NULL, NULL}, INJECT_DATABASE,
     "an answer without its change"},
    {{"ignores an error", ignores_an_error, 200, 0, NULL, NULL}, INJECT_MEMORY,
     "an answer without its change"},
    {{"blames the client", blames_the_client, 200, 0, NULL, NULL}, INJECT_DATABASE,
     "a wrong answer"},
    {{"blames the client", blames_the_client, 200, 0, NULL, NULL}, INJECT_MEMORY,
     "a wrong answer"},
    {{"does one half", does_one_half, 200, 0, NULL, NULL}, INJECT_DATABASE, "a half-done change"},
    {{"does one half", does_one_half, 200, 0, NULL, NULL}, INJECT_MEMORY, "a half-done change"},
    {{"fails when it is done", fails_when_it_is_done, 200, 0, NULL, NULL}, INJECT_CRYPTO,
     "an error, and the change is there"},
    {{"does not look", does_not_look, 200, 0, NULL, NULL}, INJECT_MEMORY, "the process died"},
    {{"keeps the connection", keeps_the_connection, 200, 0, NULL, NULL}, INJECT_MEMORY,
     "does not serve the next request"},
    {{"stays in the gate", stays_in_the_gate, 200, 0, NULL, NULL}, INJECT_MEMORY,
     "the gate was not left"},
    {{"loses part of its answer", loses_part_of_its_answer, 200, 0, NULL, NULL}, INJECT_MEMORY,
     "a wrong answer"},
};

const int planted_count = sizeof(planted) / sizeof(planted[0]);
