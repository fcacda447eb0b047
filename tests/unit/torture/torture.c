/* SPDX-License-Identifier: Apache-2.0 */
#include "torture.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"

#define EXCERPT 160
#define MASKED_RUN 20 /* so many characters of a token, id or key in a row are random */

/* What a try tells, whether it lives or not. */
typedef struct {
    inject_t inject;
    int answered;
    int status;
    apr_uint64_t text; /* a digest of the answer's text without what is random */
    char excerpt[EXCERPT];
    char dump[SCENE_DUMP];
    int inside; /* threads that forgot to leave the gate */
    int next;   /* the status of the same request afterwards, on the same connection; 0: not sent */
    int exit;   /* of the process; -1: by a signal */
} result_t;

typedef struct {
    const scene_t *scene;
    const torture_case_t *tcase;
    plan_t plan;
    char before[SCENE_DUMP];
    result_t normal; /* of the try in which nothing failed */
    result_t *shared;
} rack_t;

static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

/* FNV-1a of a text in which long runs are one mark each. */
static apr_uint64_t digest(const char *text)
{
    apr_uint64_t hash = 14695981039346656037ULL;

    while (text && *text) {
        size_t run = 0, i;

        while (is_token_char(text[run])) {
            run++;
        }
        if (run == 0) {
            run = 1;
        }
        for (i = 0; i < (run < MASKED_RUN ? run : 1); i++) {
            hash ^= run < MASKED_RUN ? (unsigned char)text[i] : 1;
            hash *= 1099511628211ULL;
        }
        text += run;
    }
    return hash;
}

static int run_once(const torture_case_t *tcase, scene_t *scene, answer_t *answer)
{
    memset(answer, 0, sizeof(*answer));
    tcase->run(scene, answer);
    return answer->status;
}

/* In a process of its own. */
static void attempt(const rack_t *rack, long at)
{
    scene_t scene = *rack->scene;
    result_t *result = rack->shared;
    answer_t answer;

    scene_open(&scene);
    if (rack->plan.kind == INJECT_DATABASE) {
        driver_replace(&scene.ctx);
    }
    if (rack->plan.warm) {
        unsigned char id[AUTHSVC_UUID_OCTETS];

        scene.ctx.repositories->identity(&scene.ctx, id);
    }
    inject_arm(rack->plan.kind, rack->plan.mode, at, rack->plan.onwards);
    run_once(rack->tcase, &scene, &answer);
    inject_disarm();
    result->status = answer.status;
    result->text = digest(answer.text);
    snprintf(result->excerpt, EXCERPT, "%s", answer.text ? answer.text : "");
    result->inside = (int)scene.gate.inside;
    scene_dump(&scene, result->dump);
    result->answered = 1;
    if (answer.status >= 500) {
        apr_pool_destroy(scene.ctx.pool);
        scene_request(&scene);
        result->next = run_once(rack->tcase, &scene, &answer);
    }
}

static void run_try(const rack_t *rack, long at)
{
    result_t *result = rack->shared;
    int status = 0;
    pid_t pid;

    memset(result, 0, sizeof(*result));
    scene_copy(rack->scene);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        inject = &result->inject;
        attempt(rack, at);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) != pid) {
        continue;
    }
    result->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (!result->answered) {
        scene_dump(rack->scene, result->dump);
    }
}

/* The users of one dump and the sessions of another. */
static int is_mixed(const char *dump, const char *users, const char *sessions)
{
    size_t len = (size_t)(strstr(users, SCENE_SESSIONS) - users);

    return strncmp(dump, users, len) == 0 &&
           strcmp(dump + len, strstr(sessions, SCENE_SESSIONS)) == 0;
}

static int is_before(const rack_t *rack, const char *dump)
{
    return strcmp(dump, rack->before) == 0 ||
           (rack->tcase->users_aside && is_mixed(dump, rack->normal.dump, rack->before));
}

static int is_after(const rack_t *rack, const char *dump)
{
    return strcmp(dump, rack->normal.dump) == 0 ||
           (rack->tcase->users_aside && is_mixed(dump, rack->before, rack->normal.dump));
}

/* Whether success is a sound end: where the failed call could be done again, or without. */
static int may_absorb(const rack_t *rack)
{
    return rack->plan.kind == INJECT_MEMORY || rack->tcase->users_aside ||
           rack->plan.mode == INJECT_DEAD || rack->plan.mode == INJECT_ANSWER_LOST;
}

static const char *judge_error(const rack_t *rack, const result_t *result, tally_t *tally)
{
    const torture_case_t *tcase = rack->tcase;
    int done = !is_before(rack, result->dump);

    if (done && !is_after(rack, result->dump)) {
        return "a half-done change";
    }
    if (done && !tcase->may_be_done && !result->inject.ambiguous) {
        return "an error, and the change is there";
    }
    if (result->next != tcase->status && (!done || result->next != tcase->again)) {
        return "the same connection does not serve the next request";
    }
    tally->errors++;
    return NULL;
}

static const char *judge(const rack_t *rack, const result_t *result, tally_t *tally)
{
    if (!result->answered) {
        if (result->exit != INJECT_CLEAN_END) {
            return "the process died";
        }
        if (!is_before(rack, result->dump) && !is_after(rack, result->dump)) {
            return "a half-done change when the process ended";
        }
        tally->ends++;
        return NULL;
    }
    if (result->exit != 0) {
        return "the process died after its answer";
    }
    if (result->inside) {
        return "the gate was not left";
    }
    if (result->status >= 500) {
        return judge_error(rack, result, tally);
    }
    if (result->status != rack->normal.status || result->text != rack->normal.text) {
        return "a wrong answer";
    }
    if (!is_after(rack, result->dump)) {
        return "an answer without its change";
    }
    if (!may_absorb(rack)) {
        return "a success in spite of it";
    }
    tally->absorbed++;
    return NULL;
}

static const char *say(const rack_t *rack, long at, const char *what)
{
    static const char *const kinds[] = {"memory", "crypto", "database"};
    const result_t *result = rack->shared;
    apr_pool_t *pool = rack->scene->pool;
    const char *call = apr_psprintf(pool, "%s call %ld%s (%s, mode %d)", kinds[rack->plan.kind],
                                    at, rack->plan.onwards ? " onwards" : "",
                                    result->inject.what, (int)rack->plan.mode);

    return apr_psprintf(pool,
                        "%s, %s: %s; status %d, then %d, exit %d, \"%s\"\n"
                        "--- database\n%s\n--- before\n%s\n--- after\n%s",
                        rack->tcase->name, call, what, result->status, result->next, result->exit,
                        result->excerpt, result->dump, rack->before, rack->normal.dump);
}

/* The try in which nothing fails: the positive control of all others. */
static const char *run_normally(rack_t *rack)
{
    run_try(rack, 0);
    rack->normal = *rack->shared;
    if (!rack->normal.answered || rack->normal.exit != 0 ||
        rack->normal.status != rack->tcase->status) {
        return say(rack, 0, "nothing fails, and it answers otherwise than it should");
    }
    return NULL;
}

/* @return whether there was such a call */
static int fail_one(const rack_t *rack, long at, tally_t *tally, const char **finding)
{
    const char *what;

    run_try(rack, at);
    if (!rack->shared->inject.failed) {
        return 0;
    }
    tally->tries++;
    what = judge(rack, rack->shared, tally);
    *finding = what ? say(rack, at, what) : NULL;
    return 1;
}

const char *torture(const scene_t *scene, const torture_case_t *tcase, const plan_t *plan,
                    tally_t *tally)
{
    static rack_t rack;
    const char *finding, *one = getenv("TORTURE_AT");
    long at = one ? strtol(one, NULL, 10) : 1;

    memset(&rack, 0, sizeof(rack));
    rack.scene = scene;
    rack.tcase = tcase;
    rack.plan = *plan;
    rack.shared = mmap(NULL, sizeof(*rack.shared), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(rack.shared, MAP_FAILED);
    scene_copy(scene);
    scene_dump(scene, rack.before);
    finding = run_normally(&rack);
    while (!finding && fail_one(&rack, at, tally, &finding) && !one) {
        at += plan->stride;
    }
    munmap(rack.shared, sizeof(*rack.shared));
    return finding;
}
