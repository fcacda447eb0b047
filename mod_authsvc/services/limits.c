/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/network.h"
#include "authsvc/core/settings.h"
#include "authsvc/crypto/crypto.h"
#include "event.h"
#include "sessions.h"

/* Whom a request is counted for. NULL: not known, and no rule of its policy asks for it. */
typedef struct {
    const char *account; /* an address, or a user's id */
    const char *session;
    const char *device; /* that the account may be known by, wherever it is; else NULL */
    int is_proved; /* it is who it says */
} subject_t;

static const char *or_none(const char *text)
{
    return text ? text : "-";
}

/* What is counted, and for whom, in a form in which no two have the same text. */
static apr_uint64_t key_of(const authsvc_ctx_t *ctx, const authsvc_limit_rule_t *rule,
                           const subject_t *subject)
{
    const authsvc_limiter_t *limiter = ctx->limiter;
    const char *network = "", *who = "";
    const char *text;
    if (rule->key == AUTHSVC_LIMIT_IP || rule->key == AUTHSVC_LIMIT_ACCOUNT_IP) {
        network = authsvc_network(ctx->pool, ctx->client_ip);
    }
    if (rule->key == AUTHSVC_LIMIT_ACCOUNT_IP && subject->device) {
        network = apr_pstrcat(ctx->pool, "device/", subject->device, NULL);
    }
    if (rule->key == AUTHSVC_LIMIT_SESSION) {
        who = or_none(subject->session);
    } else if (rule->key != AUTHSVC_LIMIT_IP) {
        who = or_none(subject->account);
    }
    /* Only what comes last can hold anything. */
    text = apr_psprintf(ctx->pool, "%" APR_UINT64_T_HEX_FMT " %d %d %" APR_TIME_T_FMT " %s ",
                        limiter->scope, (int)rule->policy, (int)rule->key, rule->rate.window,
                        network);
    text = apr_pstrcat(ctx->pool, text, who, NULL);
    return authsvc_crypto_short_hash(limiter->key, text, strlen(text));
}

/*
 * Where anybody can name an account, what is left for it would tell that its owner was here: the
 * rule holds, and is told only to whom it stops.
 */
static int may_tell(const authsvc_limit_rule_t *rule, const subject_t *subject)
{
    return subject->is_proved || rule->key != AUTHSVC_LIMIT_ACCOUNT;
}

/* @param refused the place of the one that is; n: none. Then it alone is told. */
static void report(authsvc_ctx_t *ctx, const apr_array_header_t *rules,
                   const authsvc_try_t *tries, int refused, const subject_t *subject)
{
    int n = rules->nelts;
    apr_array_header_t *reports = apr_array_make(ctx->pool, n, sizeof(authsvc_limit_report_t));
    for (int i = 0; i < n; i++) {
        authsvc_limit_report_t *made = apr_array_push(reports);
        made->rule = &APR_ARRAY_IDX(rules, i, authsvc_limit_rule_t);
        made->key = tries[i].key;
        made->is_told = refused < n ? i == refused : may_tell(made->rule, subject);
        made->left = tries[i].left;
        made->next = tries[i].next;
    }
    ctx->limit_reports = reports;
}

static authsvc_error_t *refuse(authsvc_ctx_t *ctx, const authsvc_limit_rule_t *rule,
                               const authsvc_try_t *try)
{
    static const char *const events[AUTHSVC_LIMIT_POLICIES] = {
        [AUTHSVC_LIMIT_LOGIN] = "login-limited",     [AUTHSVC_LIMIT_REGISTER] = "register-limited",
        [AUTHSVC_LIMIT_REFRESH] = "refresh-limited", [AUTHSVC_LIMIT_MAIL] = "mail-limited",
        [AUTHSVC_LIMIT_TOKEN] = "token-limited",     [AUTHSVC_LIMIT_ADMIN] = "admin-limited",
        [AUTHSVC_LIMIT_API] = "api-limited",
    };
    authsvc_error_t *err;
    authsvc_event(ctx, "AS0270", events[rule->policy],
                  ctx->principal ? ctx->principal->session.user_id : NULL,
                  ctx->principal ? ctx->principal->session.session_id : NULL);
    err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_THROTTLED, "rate-limited", NULL, "rate limit %s",
                        rule->name);
    err->retry_after = (int)apr_time_sec(try->next + APR_USEC_PER_SEC - 1);
    return err;
}

static int is_limited(const authsvc_ctx_t *ctx, authsvc_limit_policy_t policy)
{
    return ctx->limiter && !ctx->exempt && ctx->settings->limits[policy]->nelts > 0;
}

/* One for each rule. */
static authsvc_try_t *make_tries(const authsvc_ctx_t *ctx, const apr_array_header_t *rules,
                                 const subject_t *subject)
{
    authsvc_try_t *tries = apr_pcalloc(ctx->pool, (apr_size_t)rules->nelts * sizeof(*tries));
    for (int i = 0; i < rules->nelts; i++) {
        const authsvc_limit_rule_t *rule = &APR_ARRAY_IDX(rules, i, authsvc_limit_rule_t);
        tries[i].key = key_of(ctx, rule, subject);
        tries[i].rate = rule->rate;
    }
    return tries;
}

static authsvc_error_t *count(authsvc_ctx_t *ctx, authsvc_limit_policy_t policy,
                              const subject_t *subject)
{
    const apr_array_header_t *rules = ctx->settings->limits[policy];
    const authsvc_rate_store_t *store;
    authsvc_try_t *tries;
    int refused;
    /* A sign-in that begins anew, since the account changed meanwhile, is the same request. */
    if (!is_limited(ctx, policy) || (ctx->counted & (1U << policy))) {
        return NULL;
    }
    ctx->counted |= 1U << policy;
    tries = make_tries(ctx, rules, subject);
    store = ctx->limiter->store;
    refused = store->take(store->baton, tries, rules->nelts);
    report(ctx, rules, tries, refused, subject);
    return refused < rules->nelts
               ? refuse(ctx, &APR_ARRAY_IDX(rules, refused, authsvc_limit_rule_t), &tries[refused])
               : NULL;
}

authsvc_error_t *authsvc_limits_claimed(authsvc_ctx_t *ctx, authsvc_limit_policy_t policy,
                                        const char *email)
{
    const subject_t subject = {.account = email};
    return count(ctx, policy, &subject);
}

int authsvc_limits_is_used_up(const authsvc_ctx_t *ctx, authsvc_limit_policy_t policy,
                              const char *email)
{
    const apr_array_header_t *rules = ctx->settings->limits[policy];
    const subject_t subject = {.account = email};
    const authsvc_rate_store_t *store;
    if (!is_limited(ctx, policy)) {
        return 0;
    }
    store = ctx->limiter->store;
    return store->peek(store->baton, make_tries(ctx, rules, &subject), rules->nelts) <
           rules->nelts;
}

void authsvc_limits_give_back(authsvc_ctx_t *ctx, authsvc_limit_policy_t policy)
{
    const apr_array_header_t *reports = ctx->limit_reports;
    for (int i = 0; reports && i < reports->nelts; i++) {
        const authsvc_limit_report_t *report = &APR_ARRAY_IDX(reports, i, authsvc_limit_report_t);
        const authsvc_try_t try = {.key = report->key, .rate = report->rule->rate};
        if (report->rule->policy != policy) {
            return;
        }
        ctx->limiter->store->give_back(ctx->limiter->store->baton, &try, 1);
    }
    ctx->limit_reports = NULL;
    ctx->counted &= ~(1U << policy);
}

authsvc_error_t *authsvc_limits_login(authsvc_ctx_t *ctx, const char *email, const char *device)
{
    const subject_t subject = {.account = email, .device = device};
    return count(ctx, AUTHSVC_LIMIT_LOGIN, &subject);
}

authsvc_error_t *authsvc_limits_refresh(authsvc_ctx_t *ctx, const char *session_id)
{
    const subject_t subject = {.session = session_id, .is_proved = 1};
    return count(ctx, AUTHSVC_LIMIT_REFRESH, &subject);
}

authsvc_error_t *authsvc_limits_api(authsvc_ctx_t *ctx)
{
    const authsvc_principal_t *principal = ctx->principal;
    if (!principal) {
        return AUTHSVC_INTERNAL(ctx->pool, "a request is counted that is nobody's");
    }
    const subject_t subject = {.account = principal->session.user_id,
                               .session = principal->session.session_id,
                               .is_proved = 1};
    /* Whoever stole the token of a session that was ended uses up nothing of its user's. */
    if (principal->session.session_id &&
        authsvc_authentication_verdict(ctx, &principal->session) == AUTHSVC_SESSION_REVOKED) {
        return authsvc_authentication_session_ended(ctx);
    }
    return count(ctx, AUTHSVC_LIMIT_API, &subject);
}
