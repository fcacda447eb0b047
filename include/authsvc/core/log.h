/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_CORE_LOG_H
#define AUTHSVC_CORE_LOG_H

/** Levels, in httpd's meaning and order. */
typedef enum {
    AUTHSVC_LOG_ERROR = 3,
    AUTHSVC_LOG_WARNING = 4,
    AUTHSVC_LOG_NOTICE = 5,
    AUTHSVC_LOG_INFO = 6,
    AUTHSVC_LOG_DEBUG = 7
} authsvc_log_level_t;

/** Where log lines go. The httpd layer, authsvcctl and the tests each bring their own. */
typedef struct {
    void (*write)(void *baton, authsvc_log_level_t level, const char *line);
    void *baton;
} authsvc_log_t;

/**
 * Write one line "AS0123: text". Control characters, bytes outside ASCII and the backslash in the
 * formatted text are escaped as \xNN, so that no user's data can forge a line. Longer than 2 KiB
 * is cut, and ends in "...".
 * @param log NULL: nothing happens
 * @param id "AS" and four digits, unique to the place, never reused
 */
void authsvc_log(const authsvc_log_t *log, authsvc_log_level_t level, const char *id,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
