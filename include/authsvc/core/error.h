/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_ERROR_H
#define AUTHSVC_CORE_ERROR_H

#include <apr_pools.h>
#include <apr_tables.h>

/**
 * What went wrong, in the few kinds a caller can act on. The api layer's problem table maps each
 * kind (and, where given, the slug) to a status and a problem type (RFC 9457).
 */
typedef enum {
    AUTHSVC_E_INVALID,         /* the client's input; fields say where */
    AUTHSVC_E_UNAUTHENTICATED, /* no, or no valid, proof of identity */
    AUTHSVC_E_FORBIDDEN,       /* known, and not allowed */
    AUTHSVC_E_NOT_FOUND,
    AUTHSVC_E_METHOD_NOT_ALLOWED,
    AUTHSVC_E_MEDIA_TYPE,
    AUTHSVC_E_CONFLICT,
    AUTHSVC_E_THROTTLED,
    AUTHSVC_E_TOO_LARGE,
    AUTHSVC_E_UNAVAILABLE, /* a part we need is down or full: try again later */
    AUTHSVC_E_INTERNAL     /* our own fault */
} authsvc_error_code_t;

/** One wrong member of a request body. */
typedef struct {
    const char *pointer; /* JSON Pointer (RFC 6901), "" for the whole body */
    const char *code;    /* stable, for programs: "required", "too-short", ... */
    const char *detail;  /* for people */
} authsvc_error_field_t;

typedef struct authsvc_error_t authsvc_error_t;

/** An error. NULL stands for success everywhere. Lives in the pool it was made in. */
struct authsvc_error_t {
    apr_pool_t *pool;
    authsvc_error_code_t code;
    const char *slug;           /* problem type within the code, or NULL for the code's own */
    const char *detail;         /* public; NULL: the problem type's title says it all */
    const char *internal;       /* for the log only */
    apr_array_header_t *fields; /* of authsvc_error_field_t, or NULL */
    int retry_after;            /* seconds, 0: the problem type's own default */
    int unknown_outcome;        /* it may be done, or will be, or elsewhere */
    const char *file;
    int line;
    const authsvc_error_t *cause;
};

/**
 * Make an error.
 * @param pool owns the error and copies of the formatted text
 * @param slug a problem slug with static storage, or NULL
 * @param detail public sentence; must outlive the error (a literal, or in pool); may be NULL
 * @param format printf format of the internal text, never sent to a client
 * @return never NULL: a pool out of memory ends the process
 */
authsvc_error_t *authsvc_error_make(apr_pool_t *pool, authsvc_error_code_t code, const char *slug,
                                    const char *detail, const char *file, int line,
                                    const char *format, ...)
    __attribute__((format(printf, 7, 8), returns_nonnull));

/** The same error; for static analysis, which does not follow returns_nonnull. */
static inline authsvc_error_t *authsvc_error_made(authsvc_error_t *err)
{
    if (!err) {
        __builtin_unreachable();
    }
    return err;
}

/** authsvc_error_make with the place filled in. */
#define AUTHSVC_ERROR(pool, code, slug, detail, ...)                                            \
    authsvc_error_made(authsvc_error_make((pool), (code), (slug), (detail), __FILE__, __LINE__, \
                                          __VA_ARGS__))

/** The same as AUTHSVC_ERROR for faults of ours. */
#define AUTHSVC_INTERNAL(pool, ...) \
    AUTHSVC_ERROR((pool), AUTHSVC_E_INTERNAL, NULL, NULL, __VA_ARGS__)

/** Return the error of an expression, if it has one. */
#define AUTHSVC_TRY(expression)                          \
    do {                                                 \
        authsvc_error_t *authsvc_try_err = (expression); \
        if (authsvc_try_err) {                           \
            return authsvc_try_err;                      \
        }                                                \
    } while (0)

/** Hang a cause under an error. @return err */
authsvc_error_t *authsvc_error_cause(authsvc_error_t *err, const authsvc_error_t *cause);

/**
 * Note one wrong member. Starts an INVALID error if *err is NULL.
 * @param pointer, code, detail must outlive the error
 */
void authsvc_error_add_field(apr_pool_t *pool, authsvc_error_t **err, const char *pointer,
                             const char *code, const char *detail);

/** The whole chain on one line for the log: "file:line: text: file:line: text". */
const char *authsvc_error_describe(const authsvc_error_t *err, apr_pool_t *pool);

#endif
