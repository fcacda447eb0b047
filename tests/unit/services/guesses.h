/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTHSVC_TESTS_SERVICES_GUESSES_H
#define AUTHSVC_TESTS_SERVICES_GUESSES_H

#include "fake.h"

/* Passwords that are tried, and what is counted of them. */

#define WRONG "Wrong Horse 9"
#define MINUTE apr_time_from_sec(60)

/** Try one by a login. */
authsvc_error_t *guess(const char *email, const char *password);

/** It is answered as a wrong one. */
void guess_refused(const char *email, const char *password);

/** n wrong ones are answered so. */
void guess_wrong(const char *email, int n);

/** How often the log has a text. */
int guess_events(const char *text);

/** Memory that counts, as processes share it. */
void guess_in_memory_of(apr_size_t entries);

/** Of so many entries that none has to make room, whatever their hashes. */
void guess_in_memory(void);

#endif
