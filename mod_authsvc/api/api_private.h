/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_API_PRIVATE_H
#define AUTHSVC_API_PRIVATE_H

#include "authsvc/api/api.h"
#include "authsvc/api/cookie.h"
#include "authsvc/core/json.h"
#include "authsvc/core/settings.h"
#include "authsvc/repositories/users.h"
#include "authsvc/services/services.h"

/* What the files of this layer show one another, and their unit tests. */

#define AUTHSVC_MAX_SEGMENTS 8 /* of a path template */
#define AUTHSVC_MAX_FIELDS 20  /* entries in a validation problem */

typedef struct authsvc_call_t authsvc_call_t;
typedef struct authsvc_schema_t authsvc_schema_t;

/** Does an operation's work and fills call->response. */
typedef authsvc_error_t *(*authsvc_operation_fn)(authsvc_call_t *call);

/** One row of operations.c. */
typedef struct {
    const char *id; /* the contract's operationId; NULL ends the table */
    authsvc_operation_fn run;
} authsvc_binding_t;

typedef struct {
    const char *method; /* upper case */
    const char *id;
    const authsvc_schema_t *body; /* NULL: takes none */
    int bearer;                   /* needs an access token */
    int cookie;                   /* which may come in a cookie */
    int refresh_cookie;           /* the refresh token may come in a cookie */
    int cookies;                  /* sets or removes cookies */
    int credentials;              /* carries a password or a token: TLS only */
    int unlimited;                /* not counted by AuthSvcRateLimit api */
    authsvc_operation_fn run;
} authsvc_operation_t;

typedef struct {
    const char *text; /* a parameter's name, or the segment itself */
    int is_param;
} authsvc_segment_t;

typedef struct {
    const char *path; /* as in the contract: "/problems/{slug}" */
    int n_segments;
    authsvc_segment_t segments[AUTHSVC_MAX_SEGMENTS];
    apr_array_header_t *operations; /* of authsvc_operation_t */
    const char *allow;              /* "GET, HEAD, PATCH, OPTIONS" */
} authsvc_route_t;

/** The contract as a site serves it: its text, cut where the site's own values go. */
typedef struct {
    const char *before;
    const char *between; /* what the site offers, and its password rules */
    const authsvc_json_t *password; /* the contract's schema; NULL: it has none */
    const char *after;
} authsvc_document_t;

struct authsvc_api_t {
    const authsvc_json_t *document;
    authsvc_document_t effective;
    apr_array_header_t *routes; /* of authsvc_route_t; fixed segments before parameters */
};

/** One request on its way. */
struct authsvc_call_t {
    const authsvc_api_t *api;
    authsvc_ctx_t *ctx;
    const authsvc_request_t *request;
    authsvc_response_t *response;
    const authsvc_route_t *route;         /* NULL: no such path */
    const authsvc_operation_t *operation; /* NULL: no such method there */
    const char *params[AUTHSVC_MAX_SEGMENTS]; /* decoded, by segment */
    int token_sent;                           /* some kind of bearer token was sent */
    int cors;                 /* the page that asks is of an origin that the site allows */
    authsvc_origin_t origin;  /* whose page asks; where the site uses cookies */
    int cookies;              /* the answer may set or remove cookies */
    int by_cookie;            /* the refresh token came in a cookie */
    const authsvc_json_t *body;               /* fits operation->body; NULL if it takes none */
};

/* openapi_json.c, made from openapi/openapi.json */
extern const char authsvc_openapi_json[];
extern const apr_size_t authsvc_openapi_json_len;

/* contract.c */

/**
 * Read a contract and bind it. Whatever in it is not enforced here is refused.
 * @return INTERNAL
 */
authsvc_error_t *authsvc_contract_load(apr_pool_t *pool, const char *text, apr_size_t len,
                                       const authsvc_binding_t *bindings,
                                       const authsvc_api_t **api);

/** Follow a chain of local references ("#/components/..."). @return INTERNAL if it leads nowhere */
authsvc_error_t *authsvc_contract_resolve(apr_pool_t *pool, const authsvc_json_t *document,
                                          const authsvc_json_t *value,
                                          const authsvc_json_t **resolved);

/* schema.c, schema_validate.c */

/** Compile a request schema. @return INTERNAL for a keyword or a value that is not known */
authsvc_error_t *authsvc_schema_compile(apr_pool_t *pool, const authsvc_json_t *document,
                                        const authsvc_json_t *source,
                                        const authsvc_schema_t **schema);

/** 1 if the schema is for objects only. */
int authsvc_schema_is_object(const authsvc_schema_t *schema);

/** Note each member that does not fit, AUTHSVC_MAX_FIELDS at most. */
void authsvc_schema_validate(const authsvc_schema_t *schema, apr_pool_t *pool,
                             const authsvc_json_t *value, authsvc_error_t **err);

/* router.c */

/**
 * Find the path's route.
 * @param pool for params
 * @param path not decoded
 * @param params AUTHSVC_MAX_SEGMENTS, filled in by segment; NULL, with a NULL pool: not wanted
 * @return NULL if there is none
 */
const authsvc_route_t *authsvc_router_match(const authsvc_api_t *api, apr_pool_t *pool,
                                            const char *path, const char **params);

/** The operation that serves a method: HEAD is GET's. @return NULL if there is none */
const authsvc_operation_t *authsvc_router_operation(const authsvc_route_t *route,
                                                    const char *method);

/** A path parameter's value by name; "" if the route has none of that name. */
const char *authsvc_call_param(const authsvc_call_t *call, const char *name);

/* request.c */

/** A header field; NULL if absent. */
const char *authsvc_request_header(const authsvc_request_t *request, const char *name);

/** 1 for application/json, with nothing but an optional charset=utf-8. */
int authsvc_request_is_json(const char *content_type);

/** Read the body by the operation's schema into call->body. */
authsvc_error_t *authsvc_request_read_body(authsvc_call_t *call);

/** A string member that no entry of err is about; NULL if there is none. */
const authsvc_json_t *authsvc_request_unblamed(const authsvc_call_t *call,
                                               const authsvc_error_t *err, const char *name,
                                               const char *pointer);

/* bearer.c */

typedef enum {
    AUTHSVC_BEARER_NONE,      /* no Authorization field, or another scheme */
    AUTHSVC_BEARER_MALFORMED, /* the scheme without one token after it */
    AUTHSVC_BEARER_TOKEN
} authsvc_bearer_t;

/** Take an Authorization field apart (RFC 6750 §2.1). @param value may be NULL */
authsvc_bearer_t authsvc_bearer_parse(const char *value, const char **token, apr_size_t *len);

/** Set ctx->principal by the request's access token. @return UNAUTHENTICATED "authentication" */
authsvc_error_t *authsvc_bearer_authenticate(authsvc_call_t *call);

/** The challenge of a 401 (RFC 6750 §3). @param refused a token was sent and is not valid */
const char *authsvc_bearer_challenge(apr_pool_t *pool, const char *realm, int refused);

/* session_cookies.c */

/** See whose page it is that asks. */
void authsvc_cookies_begin(authsvc_call_t *call);

/** @return FORBIDDEN "cross-site" for another origin's page where cookies would be set */
authsvc_error_t *authsvc_cookies_admit(const authsvc_call_t *call);

/**
 * The access token's cookie.
 * @param token NULL: there is none, or it does not count here
 * @return FORBIDDEN "cross-site" if it may not be used for what is asked
 */
authsvc_error_t *authsvc_cookies_access_token(const authsvc_call_t *call, const char **token);

/**
 * The body's refresh token, or the cookie's.
 * @return INVALID if there is none, FORBIDDEN "cross-site" if the cookie may not be used
 */
authsvc_error_t *authsvc_cookies_refresh_token(authsvc_call_t *call, const char **token);

/** The body's device token, or the cookie's; NULL if there is none. */
const char *authsvc_cookies_device_token(const authsvc_call_t *call);

/** 1 if the answer has no tokens: the body asks for that, or the refresh token came by cookie. */
int authsvc_cookies_omit_tokens(const authsvc_call_t *call);

/** Note it if the body asks for that where no cookie would be set. */
void authsvc_cookies_check_body(const authsvc_call_t *call, authsvc_error_t **err);

/** Add what sets the cookies, or ends the session's, to the answer, if it may. */
void authsvc_cookies_grant(authsvc_call_t *call, const authsvc_grant_t *grant);
void authsvc_cookies_clear(authsvc_call_t *call);

/* response.c */

/** Start an empty answer with the fields that every answer has. */
void authsvc_response_init(authsvc_call_t *call);

/** Answer with JSON. */
void authsvc_response_json(authsvc_call_t *call, int status, const authsvc_json_t *value);

/** The same with what was dumped before. @param text must outlive the response */
void authsvc_response_json_text(authsvc_call_t *call, int status, const char *text);

/** Answer 204. */
void authsvc_response_no_content(authsvc_call_t *call);

/** Let any cache keep the answer for so long. */
void authsvc_response_cacheable(authsvc_call_t *call, int seconds);

/** The contract's User and AuthResponse. */
authsvc_json_t *authsvc_response_user(apr_pool_t *pool, const authsvc_user_t *user);
authsvc_json_t *authsvc_response_grant(apr_pool_t *pool, const authsvc_grant_t *grant);

/** The contract's CookieAuthResponse. */
authsvc_json_t *authsvc_response_cookie_grant(apr_pool_t *pool, const authsvc_grant_t *grant);

/* problem.c */

/** A problem type (RFC 9457). */
typedef struct {
    authsvc_error_code_t code;
    int is_default; /* of its code: taken where the error names no slug */
    int status;
    const char *slug; /* NULL ends the table */
    const char *title;
    const char *detail;      /* for errors without a detail of their own */
    const char *description; /* what GET /problems/{slug} says */
    int retry_after;         /* seconds; 0: no such field */
} authsvc_problem_type_t;

extern const authsvc_problem_type_t authsvc_problem_types[];

/** By slug; NULL if there is none. */
const authsvc_problem_type_t *authsvc_problem_find(const char *slug);

/** Of an error; "internal" for one that has no type, which is our fault. */
const authsvc_problem_type_t *authsvc_problem_of(const authsvc_error_t *err);

/**
 * Answer with an error's problem.
 * @param member, value one more member of the body; NULL: none
 */
void authsvc_problem_answer(authsvc_call_t *call, const authsvc_error_t *err, const char *member,
                            authsvc_json_t *value);

/* limits.c */

/** Add RateLimit-Policy and RateLimit, if the request was counted. */
void authsvc_limit_fields(authsvc_call_t *call);

/* cors.c */

/** Add the CORS fields if the request's origin is one of the site's. @return 1 if it is */
int authsvc_cors_apply(authsvc_call_t *call);

/** Answer OPTIONS on a known path: Allow, and for a site's origin the preflight's fields. */
void authsvc_cors_options(authsvc_call_t *call);

/* operations.c */
extern const authsvc_binding_t authsvc_operations[];

/** Note what the site's policy has against those members of a body that fit the contract. */
void authsvc_operations_add_faults(authsvc_call_t *call, authsvc_error_t **err);

/* auth.c */
authsvc_error_t *authsvc_operation_register(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_login(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_refresh(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_logout(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_logout_all(authsvc_call_t *call);
void authsvc_register_add_faults(authsvc_call_t *call, authsvc_error_t **err);

/* users.c */
authsvc_error_t *authsvc_operation_get_me(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_update_me(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_delete_me(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_list_sessions(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_end_session(authsvc_call_t *call);
void authsvc_update_me_add_faults(authsvc_call_t *call, authsvc_error_t **err);

/* wellknown.c */
authsvc_error_t *authsvc_operation_get_jwks(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_get_openid_configuration(authsvc_call_t *call);

/* document.c, problems.c, health.c */

/** Once for a contract, what a request would have to do again: copy and dump all of it. */
void authsvc_document_prepare(apr_pool_t *pool, const authsvc_json_t *contract,
                              authsvc_document_t *document);

authsvc_error_t *authsvc_operation_get_openapi(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_get_problem(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_get_liveness(authsvc_call_t *call);
authsvc_error_t *authsvc_operation_get_readiness(authsvc_call_t *call);

#endif
