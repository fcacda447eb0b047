/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/json.h"
#include "authsvc/core/units.h"
#include "authsvc/crypto/key_directory.h"
#include "key.h"

/* The longest AuthSvcAccessTokenLifetime: what the site has set is not known here. */
#define LIFETIME apr_time_from_sec(86400)

/* What the key does at present. */
static const char *state_of(const authsvc_keyset_t *set, const authsvc_timed_key_t *key,
                            apr_time_t now)
{
    if (authsvc_keyset_signing(set, now) == key->key) {
        return "signing";
    }
    if (!authsvc_keyset_find(set, authsvc_key_id(key->key), now)) {
        return "retired";
    }
    if (now < key->publish_at) {
        return "waiting";
    }
    return now < key->sign_at ? "published" : "verifying";
}

static void print_json(ctl_t *ctl, const authsvc_timed_key_t *key, const char *file,
                       const char *state)
{
    authsvc_json_t *line = authsvc_json_object(ctl->pool);

    authsvc_json_set_string(line, "state", state);
    authsvc_json_set_string(line, "kid", authsvc_key_id(key->key));
    authsvc_json_set_string(line, "alg", authsvc_key_algorithm(key->key));
    authsvc_json_set_string(line, "publish_at", authsvc_time_rfc3339(ctl->pool, key->publish_at));
    authsvc_json_set_string(line, "sign_at", authsvc_time_rfc3339(ctl->pool, key->sign_at));
    authsvc_json_set_string(line, "retire_at", authsvc_time_rfc3339(ctl->pool, key->retire_at));
    authsvc_json_set_string(line, "file", file);
    fprintf(ctl->out, "%s\n", authsvc_json_dump_ascii(ctl->pool, line));
}

static void print_keys(ctl_t *ctl, const apr_array_header_t *keys, const authsvc_keyset_t *set,
                       int json)
{
    static const char row[] = "%-9s  %-43s  %-5s  %-20s  %-20s  %-20s\n";
    apr_time_t now = apr_time_now();
    int i;

    if (!json) {
        fprintf(ctl->out, row, "STATE", "KID", "ALG", "PUBLISHED", "SIGNS", "RETIRES");
    }
    for (i = 0; i < keys->nelts; i++) {
        const authsvc_timed_key_t *key = &APR_ARRAY_IDX(keys, i, authsvc_timed_key_t);
        const char *state = state_of(set, key, now);

        if (json) {
            print_json(ctl, key, strrchr(key->name, '/') + 1, state);
        } else {
            fprintf(ctl->out, row, state, authsvc_key_id(key->key),
                    authsvc_key_algorithm(key->key),
                    authsvc_time_rfc3339(ctl->pool, key->publish_at),
                    authsvc_time_rfc3339(ctl->pool, key->sign_at),
                    authsvc_time_rfc3339(ctl->pool, key->retire_at));
        }
    }
    if (authsvc_keyset_lacks_successor(set, now)) {
        (void)authsvc_ctl_failed(ctl, "warning: no key follows the one that signs, which then goes "
                                      "on signing; run authsvcctl key rotate");
    }
}

int authsvc_ctl_key_list(ctl_t *ctl, int argc, char **argv)
{
    int json = 0, i;
    const ctl_option_t options[] = {{"json", NULL, &json}, {0}};
    apr_array_header_t *operands, *keys;
    authsvc_key_listing_t listing;
    authsvc_keyset_t *set;
    authsvc_error_t *err;
    const char *directory;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "list needs one directory");
    }
    directory = APR_ARRAY_IDX(operands, 0, const char *);
    err = authsvc_key_directory_list(ctl->pool, directory, NULL, &listing);
    if (!err) {
        err = authsvc_key_directory_load(ctl->pool, directory, NULL, &keys);
    }
    if (!err) {
        err = authsvc_keyset_create_timed(ctl->pool, keys, NULL, LIFETIME, &set);
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    print_keys(ctl, keys, set, json);
    for (i = 0; i < listing.ignored->nelts; i++) {
        (void)authsvc_ctl_failed(ctl, "warning: %s/%s is no key file, and httpd ignores it",
                                 directory, APR_ARRAY_IDX(listing.ignored, i, const char *));
    }
    return CTL_OK;
}
