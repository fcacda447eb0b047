/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_TORTURE_SCENE_H
#define AUTHSVC_TESTS_TORTURE_SCENE_H

/*
 * A database with users and sessions, copied afresh for each try, and a context that works on the
 * copy with the real repositories.
 */

#include "unit.h"

#include "api_private.h"

#define SCENE_PASSWORD "Correct Horse 9"
#define SCENE_DUMP 4096
#define SCENE_SESSIONS "sessions:" /* between the users and the sessions of a dump */

/** What a request or a call needs of the scene; made once, before anything fails. */
typedef struct {
    apr_pool_t *pool;
    const authsvc_api_t *api;
    authsvc_settings_t settings;
    apr_time_t now;
    const char *template;      /* path of the database that is copied */
    const char *path;          /* of the copy */
    const char *access;        /* ada's access token */
    const char *refresh;       /* of the same session */
    const char *in_grace;      /* parent of a token made just now */
    const char *reused;        /* parent of a token made long ago */
    const char *ahead;         /* of a session whose row fell behind */
    const authsvc_user_t *ada; /* her row */
    const authsvc_principal_t *principal; /* whom access names */
    authsvc_gate_t gate;
    const authsvc_limiter_t *limiter;
    apr_pool_t *db_pool;
    authsvc_db_t *db; /* of this process */
    authsvc_ctx_t ctx;
} scene_t;

/**
 * Make keys of an algorithm, a database, and its users. The test fails if it fails.
 * @param name what the names of its files begin with
 */
void scene_make(scene_t *scene, const char *name, const char *algorithm);

/** Free what scene_make made. */
void scene_free(scene_t *scene);

/** Put a fresh copy in place. */
void scene_copy(const scene_t *scene);

/** Open the copy in this process; ctx is the first request's. */
void scene_open(scene_t *scene);

/** The next request on the same connection, in a pool of its own. */
void scene_request(scene_t *scene);

/** Everything in the copy but what is random, as text. */
void scene_dump(const scene_t *scene, char dump[SCENE_DUMP]);
#endif
