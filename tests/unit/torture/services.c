/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "cases.h"

#include "authsvc/crypto/cache.h"

#define AFTER_ROTATION "the token that was sent gets the same answer for the grace"
#define REHASHING "a hash is renewed or not, whatever becomes of the login"

static void finish(answer_t *answer, const authsvc_error_t *err, const char *text)
{
    answer->status = err ? authsvc_problem_of(err)->status : 200;
    answer->text = err ? authsvc_problem_of(err)->slug : text;
}

/* The tokens must be there, and good; who signed in is in the answer. */
static const char *describe(const authsvc_grant_t *grant)
{
    return grant->access_token && grant->refresh_token && grant->expires_in == 900
               ? grant->user->email
               : "no grant";
}

static void sign_up(scene_t *scene, answer_t *answer)
{
    authsvc_grant_t grant = {0};
    authsvc_error_t *err = authsvc_registration_register(
        &scene->ctx, "grace@example.com", SCENE_PASSWORD, strlen(SCENE_PASSWORD), "Grace", &grant);

    finish(answer, err, err ? NULL : describe(&grant));
}

static void check_password(scene_t *scene, answer_t *answer)
{
    const authsvc_person_t person = {"grace@example.com", "Gr\xc3\xa4" "ce"};
    authsvc_error_t *err = NULL;

    authsvc_policy_check_password(&scene->ctx, "/password", SCENE_PASSWORD, strlen(SCENE_PASSWORD),
                                  &person, &err);
    finish(answer, err, "fits");
}

static void check_name(scene_t *scene, answer_t *answer)
{
    const char *trimmed = NULL;
    authsvc_error_t *err = NULL;

    authsvc_policy_check_name(&scene->ctx, "/name", " Gr\xc3\xa4" "ce ", &trimmed, &err);
    finish(answer, err, trimmed);
}

static void check_email(scene_t *scene, answer_t *answer)
{
    const char *normalized = NULL;
    authsvc_error_t *err = NULL;

    authsvc_policy_check_email(&scene->ctx, "/email", "Grace@B\xc3\xbc" "cher.de",
                               &normalized, &err);
    finish(answer, err, normalized);
}

static void check_as(scene_t *scene, const char *email, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_credentials_check(&scene->ctx, email, SCENE_PASSWORD,
                                                     strlen(SCENE_PASSWORD), &user);

    finish(answer, err, user ? user->email : "nobody");
}

static void check(scene_t *scene, answer_t *answer)
{
    check_as(scene, "ada@example.com", answer);
}

static void check_old(scene_t *scene, answer_t *answer)
{
    check_as(scene, "old@example.com", answer);
}

/* The second time by what was kept of the first. */
static void use_basic(scene_t *scene, int times, const char *email, answer_t *answer)
{
    const authsvc_principal_t *principal = NULL;
    authsvc_error_t *err = authsvc_cache_create(
        scene->ctx.pool, 8, AUTHSVC_BASIC_CACHED, &scene->ctx.basic_cache);

    for (; !err && times > 0; times--) {
        err = authsvc_basic_authenticate(&scene->ctx, email, SCENE_PASSWORD,
                                         strlen(SCENE_PASSWORD), &principal);
    }
    finish(answer, err, err ? NULL : principal->claims.email);
}

static void basic(scene_t *scene, answer_t *answer)
{
    use_basic(scene, 1, "ada@example.com", answer);
}

static void basic_again(scene_t *scene, answer_t *answer)
{
    use_basic(scene, 2, "ada@example.com", answer);
}

static void log_in_as(scene_t *scene, const char *email, answer_t *answer)
{
    authsvc_grant_t grant = {0};
    authsvc_error_t *err = authsvc_login(&scene->ctx, email, SCENE_PASSWORD,
                                         strlen(SCENE_PASSWORD), &grant);

    finish(answer, err, err ? NULL : describe(&grant));
}

static void log_in(scene_t *scene, answer_t *answer)
{
    log_in_as(scene, "ada@example.com", answer);
}

static void log_in_old(scene_t *scene, answer_t *answer)
{
    log_in_as(scene, "old@example.com", answer);
}

static void sign_up_unseen(scene_t *scene, answer_t *answer)
{
    finish(answer, authsvc_registration_request(&scene->ctx, "grace@example.com", SCENE_PASSWORD,
                                                strlen(SCENE_PASSWORD), "Grace"), "received");
}

static void fail_to_log_in(scene_t *scene, answer_t *answer)
{
    authsvc_grant_t grant = {0};

    finish(answer, authsvc_login(&scene->ctx, "ada@example.com", "Wrong Horse 9", 13, &grant),
           "signed in");
}

/* Not of the pool, whose memory runs out. */
static authsvc_failures_t *new_failures(void)
{
    static _Alignas(64) unsigned char memory[8192];
    authsvc_failures_t *set = NULL;

    /* no assertion of Check's: it takes memory, which may have run out */
    memset(memory, 0, sizeof(memory));
    if (authsvc_failures_size(8) <= sizeof(memory)) {
        authsvc_failures_create(memory, 8, &set);
    }
    return set; /* NULL: nothing would be written, and nothing could fail */
}

static void write_failures(scene_t *scene, answer_t *answer)
{
    static const unsigned char account[AUTHSVC_ACCOUNT_OCTETS] = {7};
    static const authsvc_failure_limit_t limit = {
        10, apr_time_from_sec(900), apr_time_from_sec(60), apr_time_from_sec(900)};
    authsvc_error_t *err;

    scene->ctx.failures = new_failures();
    for (int i = 0; i < 4; i++) { /* of one place: each transaction is whole by itself */
        authsvc_failures_add(scene->ctx.failures, account, "ip 192.0.2.9", NULL, &limit, 1);
    }
    err = authsvc_lockout_write(&scene->ctx);
    finish(answer, err, "written");
}

static void tidy_failures(scene_t *scene, answer_t *answer)
{
    apr_time_t purged_at = 0;

    scene->now += apr_time_from_sec(40 * 86400);
    finish(answer, authsvc_lockout_tidy(&scene->ctx, &purged_at), "tidy");
}

static void list_failures(scene_t *scene, answer_t *answer)
{
    apr_array_header_t *entries = NULL;
    authsvc_error_t *err = authsvc_lockout_list(&scene->ctx, scene->ada, &entries);

    finish(answer, err, err ? NULL : apr_psprintf(scene->ctx.pool, "%d places", entries->nelts));
}

static void clear_failures(scene_t *scene, answer_t *answer)
{
    apr_int64_t cleared = 0;

    finish(answer, authsvc_lockout_clear(&scene->ctx, scene->ada, &cleared), "cleared");
}

static void open_session(scene_t *scene, answer_t *answer)
{
    authsvc_grant_t grant = {0};
    const char *session_id = NULL;
    int opened = 0;
    authsvc_error_t *err =
        authsvc_sessions_open(&scene->ctx, scene->ada, &grant, &session_id, &opened);

    finish(answer, err, err || !opened ? "not opened" : describe(&grant));
}

static void grant_tokens(scene_t *scene, answer_t *answer)
{
    const authsvc_refresh_token_t token = {.counter = 1};
    authsvc_grant_t grant = {0};
    authsvc_error_t *err = authsvc_sessions_grant(&scene->ctx, scene->ada, &token, 0, &grant);

    finish(answer, err, err ? NULL : describe(&grant));
}

static void refresh_with(scene_t *scene, const char *token, answer_t *answer)
{
    authsvc_grant_t grant = {0};
    authsvc_error_t *err = authsvc_sessions_refresh(&scene->ctx, token, &grant);

    finish(answer, err, err ? NULL : describe(&grant));
}

static void refresh(scene_t *scene, answer_t *answer)
{
    refresh_with(scene, scene->refresh, answer);
}

static void refresh_in_grace(scene_t *scene, answer_t *answer)
{
    refresh_with(scene, scene->in_grace, answer);
}

static void log_out(scene_t *scene, answer_t *answer)
{
    finish(answer, authsvc_sessions_logout(&scene->ctx, scene->refresh), "ended");
}

static void list_sessions(scene_t *scene, answer_t *answer)
{
    apr_array_header_t *entries = NULL;
    authsvc_error_t *err = authsvc_sessions_list(&scene->ctx, &entries);

    finish(answer, err, err ? NULL : apr_psprintf(scene->ctx.pool, "%d", entries->nelts));
}

static void end_session(scene_t *scene, answer_t *answer)
{
    finish(answer,
           authsvc_sessions_end(&scene->ctx, scene->ctx.principal->session.session_id), "ended");
}

/* The set is made before anything fails, and never freed: each try is a process of its own. */
static authsvc_revocations_t *a_set(void)
{
    authsvc_revocations_t *set = NULL;
    void *memory = mmap(NULL, authsvc_revocations_size(64), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory != MAP_FAILED && !authsvc_revocations_create(memory, 64, &set) ? set : NULL;
}

static void follow_feed(scene_t *scene, answer_t *answer)
{
    authsvc_feed_t feed = {0};

    scene->ctx.revocations = a_set();
    if (!scene->ctx.revocations) {
        answer->status = 503;
        return;
    }
    finish(answer, authsvc_feed_follow(&scene->ctx, &feed), "followed");
}

static void tidy_feed(scene_t *scene, answer_t *answer)
{
    authsvc_feed_t feed = {0};

    finish(answer, authsvc_feed_tidy(&scene->ctx, &feed, apr_time_from_sec(900)), "tidied");
}

static void authenticate(scene_t *scene, answer_t *answer)
{
    const authsvc_principal_t *principal = NULL;
    authsvc_error_t *err = authsvc_authentication_verify(&scene->ctx, scene->access,
                                                         strlen(scene->access), &principal);

    finish(answer, err, principal ? principal->session.user_id : "nobody");
}

static void authorize(scene_t *scene, answer_t *answer)
{
    const authsvc_principal_t *principal = NULL;
    authsvc_error_t *err = authsvc_authentication_authorize(&scene->ctx, scene->access,
                                                            strlen(scene->access), &principal);

    finish(answer, err, principal ? principal->session.user_id : "nobody");
}

static void identify(scene_t *scene, answer_t *answer)
{
    const char *token = NULL;
    authsvc_error_t *err =
        authsvc_identity_token(&scene->ctx, scene->principal, "backend", &token);

    finish(answer, err, token ? "a token" : "no token");
}

static void count_request(scene_t *scene, answer_t *answer)
{
    finish(answer, authsvc_limits_api(&scene->ctx), "counted");
}

static void get_account(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_account_get(&scene->ctx, &user);

    finish(answer, err, user ? user->email : "nobody");
}

static void rename_account(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_account_rename(&scene->ctx, "Countess", &user);

    finish(answer, err, user ? user->name : "nobody");
}

static void log_out_all(scene_t *scene, answer_t *answer)
{
    finish(answer, authsvc_account_logout_all(&scene->ctx), "ended");
}

static void delete_account(scene_t *scene, answer_t *answer)
{
    finish(answer,
           authsvc_account_delete(&scene->ctx, SCENE_PASSWORD, strlen(SCENE_PASSWORD)), "deleted");
}

static void create_user(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_administration_create(
        &scene->ctx, "grace@example.com", SCENE_PASSWORD, strlen(SCENE_PASSWORD), "Grace",
        AUTHSVC_ROLE_ADMIN, &user);

    finish(answer, err, user ? user->role : "nobody");
}

static void find_user(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_administration_find(&scene->ctx, "ada@example.com", &user);

    finish(answer, err, user ? user->email : "nobody");
}

static void list_users(scene_t *scene, answer_t *answer)
{
    const authsvc_user_page_t page = {.limit = 10};
    apr_array_header_t *users = NULL;
    authsvc_error_t *err = authsvc_administration_list(&scene->ctx, &page, &users);

    finish(answer, err, err ? NULL : apr_psprintf(scene->ctx.pool, "%d users", users->nelts));
}

static void set_role(scene_t *scene, answer_t *answer)
{
    const authsvc_user_t *user = NULL;
    authsvc_error_t *err = authsvc_administration_set_role(&scene->ctx, "ada@example.com",
                                                           AUTHSVC_ROLE_ADMIN, &user);

    finish(answer, err, user ? user->role : "nobody");
}

/* Never an error by its contract: not ready is what a request answers with 503. */
static void readiness(scene_t *scene, answer_t *answer)
{
    apr_array_header_t *checks = NULL;
    int ready = authsvc_readiness(&scene->ctx, &checks);

    answer->status = ready ? 200 : 503;
    answer->text = apr_psprintf(scene->ctx.pool, "%d checks", checks->nelts);
}

const torture_case_t torture_services[] = {
    {"authsvc_registration_register", sign_up, 200, 409, NULL, NULL},
    {"authsvc_registration_request", sign_up_unseen, 200, 0, NULL, NULL},
    {"authsvc_policy_check_password", check_password, 200, 0, NULL, NULL},
    {"authsvc_policy_check_name", check_name, 200, 0, NULL, NULL},
    {"authsvc_policy_check_email", check_email, 200, 0, NULL, NULL},
    {"authsvc_credentials_check", check, 200, 0, NULL, NULL},
    {"authsvc_credentials_check: with a hash to renew", check_old, 200, 0, NULL, REHASHING},
    {"authsvc_basic_authenticate", basic, 200, 0, NULL, NULL},
    {"authsvc_basic_authenticate: again", basic_again, 200, 0, NULL, NULL},
    {"authsvc_login", log_in, 200, 0, NULL, NULL},
    {"authsvc_login: with a hash to renew", log_in_old, 200, 0, NULL, REHASHING},
    {"authsvc_login: wrong password", fail_to_log_in, 401, 0, NULL, NULL},
    {"authsvc_lockout_write", write_failures, 200, 0, NULL, NULL},
    {"authsvc_lockout_tidy", tidy_failures, 200, 0, NULL, NULL},
    {"authsvc_lockout_list", list_failures, 200, 0, NULL, NULL},
    {"authsvc_lockout_clear", clear_failures, 200, 0, NULL, NULL},
    {"authsvc_sessions_open", open_session, 200, 0, NULL, NULL},
    {"authsvc_sessions_grant", grant_tokens, 200, 0, NULL, NULL},
    {"authsvc_sessions_refresh", refresh, 200, 0, AFTER_ROTATION, NULL},
    {"authsvc_sessions_refresh: within the grace", refresh_in_grace, 200, 0, NULL, NULL},
    {"authsvc_sessions_logout", log_out, 200, 0, NULL, NULL},
    {"authsvc_sessions_list", list_sessions, 200, 0, NULL, NULL},
    {"authsvc_sessions_end", end_session, 200, 401, NULL, NULL},
    {"authsvc_feed_follow", follow_feed, 200, 0, NULL, NULL},
    {"authsvc_feed_tidy", tidy_feed, 200, 0, NULL, NULL},
    {"authsvc_authentication_verify", authenticate, 200, 0, NULL, NULL},
    {"authsvc_authentication_authorize", authorize, 200, 0, NULL, NULL},
    {"authsvc_identity_token", identify, 200, 0, NULL, NULL},
    {"authsvc_limits_api", count_request, 200, 0, NULL, NULL},
    {"authsvc_account_get", get_account, 200, 0, NULL, NULL},
    {"authsvc_account_rename", rename_account, 200, 0, NULL, NULL},
    {"authsvc_account_logout_all", log_out_all, 200, 401, NULL, NULL},
    {"authsvc_account_delete", delete_account, 200, 401, NULL, NULL},
    {"authsvc_administration_create", create_user, 200, 409, NULL, NULL},
    {"authsvc_administration_find", find_user, 200, 0, NULL, NULL},
    {"authsvc_administration_list", list_users, 200, 0, NULL, NULL},
    {"authsvc_administration_set_role", set_role, 200, 0, NULL, NULL},
    {"authsvc_readiness", readiness, 200, 0, NULL, NULL},
    {NULL, NULL, 0, 0, NULL, NULL},
};
