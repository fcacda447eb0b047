/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "cases.h"

#define AFTER_ROTATION "the token that was sent gets the same answer for the grace"
#define REHASHING "a hash is renewed or not, whatever becomes of the login"

typedef struct {
    const char *authorization;
    const char *cookie; /* then there is no Authorization field */
} fields_t;

static const char *find_field(void *baton, const char *name)
{
    const fields_t *fields = baton;

    if (strcasecmp(name, "Content-Type") == 0) {
        return "application/json";
    }
    if (fields->cookie && strcasecmp(name, "Origin") == 0) {
        return "https://example.org";
    }
    if (strcasecmp(name, "Cookie") == 0) {
        return fields->cookie;
    }
    return strcasecmp(name, "Authorization") == 0 && !fields->cookie ? fields->authorization
                                                                      : NULL;
}

static void ask_with(scene_t *scene, fields_t *fields, const char *method, const char *path,
                     const char *body, answer_t *answer)
{
    authsvc_request_t request = {
        .method = method,
        .path = path,
        .instance = path,
        .secure = 1,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .header = find_field,
        .baton = fields,
    };
    authsvc_response_t response;

    authsvc_api_handle(scene->api, &scene->ctx, &request, &response);
    answer->status = response.status;
    answer->text = response.body;
}

static void ask(scene_t *scene, const char *method, const char *path, const char *body,
                answer_t *answer)
{
    fields_t fields = {apr_pstrcat(scene->ctx.pool, "Bearer ", scene->access, NULL), NULL};

    ask_with(scene, &fields, method, path, body, answer);
}

/* The same on a site that keeps its sessions in cookies. */
static void ask_by_cookie(scene_t *scene, const char *method, const char *path, const char *body,
                          const char *refresh, answer_t *answer)
{
    fields_t fields = {NULL, apr_pstrcat(scene->ctx.pool, "__Host-authsvc=", scene->access,
                                         "; __Secure-authsvc-refresh=", refresh, NULL)};

    scene->settings.cookie = 1;
    ask_with(scene, &fields, method, path, body, answer);
    scene->settings.cookie = 0;
}

static void ask_with_token(scene_t *scene, const char *path, const char *token, answer_t *answer)
{
    ask(scene, "POST", path,
        apr_pstrcat(scene->ctx.pool, "{\"refresh_token\":\"", token, "\"}", NULL), answer);
}

/* name(scene, answer): a request without a refresh token */
#define REQUEST(name, method, path, body)                    \
    static void name(scene_t *scene, answer_t *answer)       \
    {                                                        \
        ask(scene, method, path, body, answer);              \
    }

/* name(scene, answer): one of the scene's refresh tokens */
#define EXCHANGE(name, path, token)                          \
    static void name(scene_t *scene, answer_t *answer)       \
    {                                                        \
        ask_with_token(scene, path, scene->token, answer);   \
    }

/* name(scene, answer): both tokens in cookies */
#define BY_COOKIE(name, method, path, body, token)                            \
    static void name(scene_t *scene, answer_t *answer)                        \
    {                                                                         \
        ask_by_cookie(scene, method, path, body, scene->token, answer);       \
    }

#define CREDENTIALS(email, password) \
    "{\"email\":\"" email "\",\"password\":\"" password "\"}"

REQUEST(sign_up, "POST", "/auth/register",
        "{\"email\":\"Grace@B\xc3\xbc" "cher.de\",\"password\":\"" SCENE_PASSWORD "\","
        "\"name\":\" Gr\xc3\xa4" "ce \"}")
REQUEST(sign_up_known, "POST", "/auth/register",
        "{\"email\":\"ada@example.com\",\"password\":\"" SCENE_PASSWORD "\",\"name\":\"Ada\"}")
REQUEST(log_in, "POST", "/auth/login", CREDENTIALS("ADA@example.com", SCENE_PASSWORD))
REQUEST(log_in_old, "POST", "/auth/login", CREDENTIALS("old@example.com", SCENE_PASSWORD))
REQUEST(log_in_wrong, "POST", "/auth/login", CREDENTIALS("ada@example.com", "Wrong Horse 9"))
REQUEST(log_in_unknown, "POST", "/auth/login", CREDENTIALS("eve@example.com", "Wrong Horse 9"))
EXCHANGE(refresh, "/auth/refresh", refresh)
EXCHANGE(refresh_in_grace, "/auth/refresh", in_grace)
EXCHANGE(refresh_reused, "/auth/refresh", reused)
EXCHANGE(refresh_ahead, "/auth/refresh", ahead)
EXCHANGE(log_out, "/auth/logout", refresh)
REQUEST(log_out_all, "POST", "/auth/logout-all", NULL)
REQUEST(get_me, "GET", "/users/me", NULL)
REQUEST(update_me, "PATCH", "/users/me", "{\"name\":\"Countess L\xc3\xb6velace\"}")
REQUEST(delete_me, "POST", "/users/me/delete", "{\"password\":\"" SCENE_PASSWORD "\"}")
REQUEST(delete_me_wrong, "POST", "/users/me/delete", "{\"password\":\"Wrong Horse 9\"}")
REQUEST(list_sessions, "GET", "/users/me/sessions", NULL)
REQUEST(end_no_session, "DELETE", "/users/me/sessions/00000000-0000-7000-8000-000000000000", NULL)

static void end_session(scene_t *scene, answer_t *answer)
{
    ask(scene, "DELETE",
        apr_pstrcat(scene->ctx.pool, "/users/me/sessions/", scene->principal->session.session_id,
                    NULL), NULL, answer);
}

REQUEST(get_jwks, "GET", "/.well-known/jwks.json", NULL)
REQUEST(get_metadata, "GET", "/.well-known/openid-configuration", NULL)
REQUEST(get_openapi, "GET", "/openapi.json", NULL)
REQUEST(get_problem, "GET", "/problems/validation", NULL)
REQUEST(get_liveness, "GET", "/health/live", NULL)
REQUEST(get_readiness, "GET", "/health/ready", NULL)

BY_COOKIE(log_in_to_cookies, "POST", "/auth/login", CREDENTIALS("ada@example.com", SCENE_PASSWORD),
          refresh)
BY_COOKIE(refresh_by_cookie, "POST", "/auth/refresh", "{\"omit_tokens\":true}", refresh)
BY_COOKIE(reused_cookie, "POST", "/auth/refresh", "{}", reused)
BY_COOKIE(log_out_by_cookie, "POST", "/auth/logout", "{}", refresh)
BY_COOKIE(update_me_by_cookie, "PATCH", "/users/me", "{\"name\":\"Ada King\"}", refresh)
BY_COOKIE(delete_me_by_cookie, "POST", "/users/me/delete", "{\"password\":\"" SCENE_PASSWORD "\"}",
          refresh)

const torture_case_t torture_operations[] = {
    {"register", sign_up, 201, 409, NULL, NULL},
    {"register: a known email", sign_up_known, 409, 0, NULL, NULL},
    {"login", log_in, 200, 0, NULL, NULL},
    {"login: with a hash to renew", log_in_old, 200, 0, NULL, REHASHING},
    {"login: wrong password", log_in_wrong, 401, 0, NULL, NULL},
    {"login: unknown email", log_in_unknown, 401, 0, NULL, NULL},
    {"login: to cookies", log_in_to_cookies, 200, 0, NULL, NULL},
    {"refresh", refresh, 200, 0, AFTER_ROTATION, NULL},
    {"refresh: within the grace", refresh_in_grace, 200, 0, NULL, NULL},
    {"refresh: used again", refresh_reused, 401, 0, NULL, NULL},
    {"refresh: ahead of the database", refresh_ahead, 200, 0, AFTER_ROTATION, NULL},
    {"refresh: by cookie", refresh_by_cookie, 200, 0, AFTER_ROTATION, NULL},
    {"refresh: by cookie, used again", reused_cookie, 401, 0, NULL, NULL},
    {"logout: by cookie", log_out_by_cookie, 204, 0, NULL, NULL},
    {"logout", log_out, 204, 0, NULL, NULL},
    {"logoutAll", log_out_all, 204, 401, NULL, NULL},
    {"getMe", get_me, 200, 0, NULL, NULL},
    {"updateMe", update_me, 200, 0, NULL, NULL},
    {"updateMe: by cookie", update_me_by_cookie, 200, 0, NULL, NULL},
    {"deleteMe: by cookie", delete_me_by_cookie, 204, 401, NULL, NULL},
    {"deleteMe", delete_me, 204, 401, NULL, NULL},
    {"deleteMe: wrong password", delete_me_wrong, 401, 0, NULL, NULL},
    {"listSessions", list_sessions, 200, 0, NULL, NULL},
    {"endSession", end_session, 204, 401, NULL, NULL},
    {"endSession: of nobody", end_no_session, 404, 0, NULL, NULL},
    {"getJwks", get_jwks, 200, 0, NULL, NULL},
    {"getOpenidConfiguration", get_metadata, 200, 0, NULL, NULL},
    {"getOpenapi", get_openapi, 200, 0, NULL, NULL},
    {"getProblem", get_problem, 200, 0, NULL, NULL},
    {"getLiveness", get_liveness, 200, 0, NULL, NULL},
    {"getReadiness", get_readiness, 200, 0, NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
