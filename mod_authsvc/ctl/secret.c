/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "authsvc/core/units.h"
#include "authsvc/crypto/secrets.h"
#include "ctl.h"

#define NUMBER_MAX 255

/* One line of a secret file, with its newline. */
typedef struct {
    const char *text;
    int number; /* 0: a comment or an empty line */
} line_t;

/* A secret file that was found to be sound. */
typedef struct {
    const char *path;
    authsvc_secrets_t *secrets;
    apr_array_header_t *lines; /* of line_t */
    int secrets_count;
} secret_file_t;

static int number_of(apr_pool_t *pool, const char *line)
{
    const char *colon = strchr(line, ':');
    long number = 0;

    if (line[0] == '#' || !colon ||
        !authsvc_integer_parse(apr_pstrmemdup(pool, line, (apr_size_t)(colon - line)), 1,
                               NUMBER_MAX, &number)) {
        return 0;
    }
    return (int)number;
}

static authsvc_error_t *read_secret_file(ctl_t *ctl, const char *path, secret_file_t *file)
{
    const char *text, *newline;
    apr_size_t len;

    file->path = path;
    file->secrets_count = 0;
    file->lines = apr_array_make(ctl->pool, 8, sizeof(line_t));
    AUTHSVC_TRY(authsvc_secrets_load(ctl->pool, path, NULL, &file->secrets));
    AUTHSVC_TRY(authsvc_ctl_file_read(ctl->pool, path, &text, &len));
    for (; *text; text = newline + 1) {
        line_t *line = apr_array_push(file->lines);

        newline = strchr(text, '\n');
        if (!newline) {
            newline = text + strlen(text) - 1;
            line->text = apr_pstrcat(ctl->pool, text, "\n", NULL);
        } else {
            line->text = apr_pstrmemdup(ctl->pool, text, (apr_size_t)(newline - text) + 1);
        }
        line->number = number_of(ctl->pool, line->text);
        file->secrets_count += line->number > 0;
    }
    return NULL;
}

static line_t *line_at(const secret_file_t *file, int index)
{
    return &APR_ARRAY_IDX(file->lines, index, line_t);
}

static int find_number(const secret_file_t *file, int number)
{
    int i;

    for (i = 0; i < file->lines->nelts; i++) {
        if (line_at(file, i)->number == number) {
            return i;
        }
    }
    return -1;
}

static authsvc_error_t *write_secret_file(ctl_t *ctl, const secret_file_t *file)
{
    apr_array_header_t *texts = apr_array_make(ctl->pool, 8, sizeof(const char *));
    authsvc_secrets_t *secrets;
    const char *text;
    int i;

    for (i = 0; i < file->lines->nelts; i++) {
        APR_ARRAY_PUSH(texts, const char *) = line_at(file, i)->text;
    }
    text = apr_array_pstrcat(ctl->pool, texts, 0);
    /* What we write must be readable by the server, whatever we did to it. */
    AUTHSVC_TRY(authsvc_secrets_parse(ctl->pool, file->path, text, strlen(text), &secrets));
    return authsvc_ctl_file_replace(ctl->pool, file->path, text);
}

static void print_secrets(ctl_t *ctl, const secret_file_t *file)
{
    int i, first = 1;

    for (i = 0; i < file->lines->nelts; i++) {
        int number = line_at(file, i)->number;

        if (number > 0) {
            const char *print = authsvc_secrets_fingerprint(file->secrets, number, ctl->pool);

            fprintf(ctl->out, "%d %s%s\n", number, print ? print : "-",
                    first ? " (makes new tokens)" : "");
            first = 0;
        }
    }
}

/* Write, read again, and show what is in force now. */
static int finish(ctl_t *ctl, secret_file_t *file)
{
    authsvc_error_t *err = write_secret_file(ctl, file);

    if (!err) {
        err = read_secret_file(ctl, file->path, file);
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    print_secrets(ctl, file);
    return CTL_OK;
}

static int generate(ctl_t *ctl, const char *path, int number)
{
    authsvc_secrets_t *secrets;
    const char *line;
    authsvc_error_t *err = authsvc_secrets_generate(ctl->pool, number, &line);

    if (!err) {
        err = authsvc_secrets_parse(ctl->pool, path, line, strlen(line), &secrets);
    }
    if (!err) {
        err = authsvc_ctl_file_create(ctl->pool, path, line);
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    fprintf(ctl->out, "%d %s (makes new tokens)\n", number,
            authsvc_secrets_fingerprint(secrets, number, ctl->pool));
    return CTL_OK;
}

static int append(ctl_t *ctl, secret_file_t *file)
{
    int i, number = 0;
    line_t *line;
    authsvc_error_t *err;

    for (i = 0; i < file->lines->nelts; i++) {
        number = line_at(file, i)->number > number ? line_at(file, i)->number : number;
    }
    /* Behind the highest, and from the start again when that is the last. */
    for (number++; number <= NUMBER_MAX && find_number(file, number) >= 0;) {
        number++;
    }
    for (i = 1; number > NUMBER_MAX && i <= NUMBER_MAX; i++) {
        number = find_number(file, i) < 0 ? i : number;
    }
    if (number > NUMBER_MAX) {
        return authsvc_ctl_failed(ctl, "%s: all 255 numbers are taken; remove one first",
                                  file->path);
    }
    line = apr_array_push(file->lines);
    line->number = number;
    err = authsvc_secrets_generate(ctl->pool, number, &line->text);
    return err ? authsvc_ctl_report(ctl, err) : finish(ctl, file);
}

static int promote(ctl_t *ctl, secret_file_t *file)
{
    int first = 0, last = file->lines->nelts - 1, i;
    line_t moved;

    if (file->secrets_count < 2) {
        return authsvc_ctl_failed(ctl, "%s holds one secret only; append another first",
                                  file->path);
    }
    while (line_at(file, first)->number == 0) {
        first++;
    }
    while (line_at(file, last)->number == 0) {
        last--;
    }
    moved = *line_at(file, last);
    for (i = last; i > first; i--) {
        *line_at(file, i) = *line_at(file, i - 1);
    }
    *line_at(file, first) = moved;
    return finish(ctl, file);
}

static int remove_secret(ctl_t *ctl, secret_file_t *file, int number)
{
    int i = find_number(file, number);

    if (i < 0) {
        return authsvc_ctl_failed(ctl, "%s: there is no secret of the number %d", file->path,
                                  number);
    }
    if (number == authsvc_secrets_current(file->secrets)) {
        return authsvc_ctl_failed(ctl, "%s: the secret of the number %d makes new tokens; promote "
                                       "another first", file->path, number);
    }
    for (; i + 1 < file->lines->nelts; i++) {
        *line_at(file, i) = *line_at(file, i + 1);
    }
    apr_array_pop(file->lines);
    return finish(ctl, file);
}

static int run_on_file(ctl_t *ctl, const char *what, const char *path, int number)
{
    secret_file_t file;
    authsvc_error_t *err = read_secret_file(ctl, path, &file);

    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    if (strcmp(what, "append") == 0) {
        return append(ctl, &file);
    }
    if (strcmp(what, "promote") == 0) {
        return promote(ctl, &file);
    }
    if (strcmp(what, "remove") == 0) {
        return remove_secret(ctl, &file, number);
    }
    print_secrets(ctl, &file);
    return CTL_OK;
}

int authsvc_ctl_secret(ctl_t *ctl, int argc, char **argv)
{
    static const char *const known[] = {"generate", "append", "promote", "remove", "list", NULL};
    const char *number_text = NULL, *what, *path;
    const ctl_option_t options[] = {{"number", &number_text, NULL}, {0}};
    apr_array_header_t *operands;
    long number = 1;
    int i = 0;

    while (argc > 1 && known[i] && strcmp(argv[1], known[i]) != 0) {
        i++;
    }
    if (argc < 2 || !known[i]) {
        return authsvc_ctl_misused(ctl, "say what to do: generate, append, promote, remove or "
                                        "list");
    }
    what = known[i];
    if (authsvc_ctl_options(ctl, argc - 1, argv + 1, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "%s needs one file", what);
    }
    if (number_text && strcmp(what, "generate") != 0 && strcmp(what, "remove") != 0) {
        return authsvc_ctl_misused(ctl, "%s takes no --number", what);
    }
    if (!number_text && strcmp(what, "remove") == 0) {
        return authsvc_ctl_misused(ctl, "remove needs --number");
    }
    if (number_text && !authsvc_integer_parse(number_text, 1, NUMBER_MAX, &number)) {
        return authsvc_ctl_misused(ctl, "--number must be 1 to 255");
    }
    path = APR_ARRAY_IDX(operands, 0, const char *);
    return strcmp(what, "generate") == 0 ? generate(ctl, path, (int)number)
                                         : run_on_file(ctl, what, path, (int)number);
}
