/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "authsvc/core/error.h"

authsvc_error_t *authsvc_error_make(apr_pool_t *pool, authsvc_error_code_t code, const char *slug,
                                    const char *detail, const char *file, int line,
                                    const char *format, ...)
{
    authsvc_error_t *err = apr_pcalloc(pool, sizeof(*err));
    va_list args;

    err->pool = pool;
    err->code = code;
    err->slug = slug;
    err->detail = detail;
    err->file = file;
    err->line = line;
    va_start(args, format);
    err->internal = apr_pvsprintf(pool, format, args);
    va_end(args);
    return err;
}

authsvc_error_t *authsvc_error_cause(authsvc_error_t *err, const authsvc_error_t *cause)
{
    err->cause = cause;
    return err;
}

void authsvc_error_add_field(apr_pool_t *pool, authsvc_error_t **err, const char *pointer,
                             const char *code, const char *detail)
{
    authsvc_error_field_t *field;

    if (!*err) {
        *err = AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL, NULL, "the input is not valid");
    }
    if (!(*err)->fields) {
        (*err)->fields = apr_array_make((*err)->pool, 4, sizeof(authsvc_error_field_t));
    }
    field = apr_array_push((*err)->fields);
    field->pointer = pointer;
    field->code = code;
    field->detail = detail;
}

/* "services/login.c" of whatever path the compiler was called with: a log should not show where
 * the module was built. */
static const char *short_file(const char *file)
{
    static const char root[] = "mod_authsvc/";
    const char *start = NULL, *hit, *slash;

    if (!file) {
        return "?";
    }
    for (hit = strstr(file, root); hit; hit = strstr(hit + 1, root)) {
        start = hit + sizeof(root) - 1;
    }
    if (start) {
        return start;
    }
    slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

const char *authsvc_error_describe(const authsvc_error_t *err, apr_pool_t *pool)
{
    const char *text = NULL;

    for (; err; err = err->cause) {
        const char *one = apr_psprintf(pool, "%s:%d: %s", short_file(err->file), err->line,
                                       err->internal ? err->internal : "");

        text = text ? apr_pstrcat(pool, text, ": ", one, NULL) : one;
    }
    return text ? text : "no error";
}
