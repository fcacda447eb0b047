/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <apr_lib.h>
#include <string.h>
#include <unistd.h>

static int ask(ctl_t *ctl, const char *prompt, ctl_password_t *password)
{
    apr_size_t size = sizeof(password->text);

    if (apr_password_get(prompt, password->text, &size) != APR_SUCCESS) {
        return authsvc_ctl_failed(ctl, "no password was given, or it is too long");
    }
    password->len = strlen(password->text);
    return CTL_OK;
}

static int ask_twice(ctl_t *ctl, ctl_password_t *password)
{
    ctl_password_t again = {0};
    int status = ask(ctl, "Password: ", password);

    if (status == CTL_OK) {
        status = ask(ctl, "Again: ", &again);
    }
    if (status == CTL_OK && strcmp(password->text, again.text) != 0) {
        status = authsvc_ctl_failed(ctl, "the two are not the same");
    }
    explicit_bzero(&again, sizeof(again));
    return status;
}

/* By read(2): no buffer of stdio's keeps a copy. */
static int read_line(ctl_t *ctl, ctl_password_t *password)
{
    const char *end = NULL;
    ssize_t n = 0;

    password->len = 0;
    while (!end && password->len < sizeof(password->text) - 1) {
        n = read(STDIN_FILENO, password->text + password->len,
                 sizeof(password->text) - 1 - password->len);
        if (n <= 0) {
            break;
        }
        end = memchr(password->text + password->len, '\n', (size_t)n);
        password->len += (apr_size_t)n;
    }
    if (n < 0) {
        return authsvc_ctl_failed(ctl, "the standard input cannot be read");
    }
    if (!end && password->len == sizeof(password->text) - 1) {
        return authsvc_ctl_failed(ctl, "the password is too long");
    }
    if (end) {
        password->len = (apr_size_t)(end - password->text);
    }
    password->text[password->len] = '\0';
    return password->len > 0 ? CTL_OK : authsvc_ctl_failed(ctl, "no password was given");
}

int authsvc_ctl_password_read(ctl_t *ctl, ctl_password_t *password)
{
    return isatty(STDIN_FILENO) ? ask_twice(ctl, password) : read_line(ctl, password);
}
