/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_atomic.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "authsvc/crypto/keys.h"
#include "file.h"
#include "key.h"

#define HOUR ((apr_time_t)3600 * APR_USEC_PER_SEC)
#define ALWAYS ((apr_time_t)INT64_MIN) /* since before any time */
#define ALGORITHMS 3

typedef struct {
    const authsvc_key_t *key;
    const char *name;
    apr_time_t publish_at;
    apr_time_t sign_at; /* AUTHSVC_KEY_FOREVER: it only verifies */
    apr_time_t gone_at; /* neither published nor accepted from here on */
} entry_t;

struct authsvc_keyset_t {
    entry_t *entries; /* those that sign first, in the order in which they do */
    int n_signing;
    int n;
    int rotates;
    apr_uint32_t *reminded; /* the hour of the last reminder, since 1970 */
};

static entry_t *find(const authsvc_keyset_t *keys, const char *kid)
{
    int i;

    for (i = 0; i < keys->n; i++) {
        if (strcmp(keys->entries[i].key->kid, kid) == 0) {
            return &keys->entries[i];
        }
    }
    return NULL;
}

static authsvc_keyset_t *new_set(apr_pool_t *pool, int n_signing, const apr_array_header_t *verify)
{
    authsvc_keyset_t *made = apr_pcalloc(pool, sizeof(*made));
    int n = n_signing + (verify ? verify->nelts : 0);

    made->entries = apr_pcalloc(pool, sizeof(entry_t) * (apr_size_t)(n > 0 ? n : 1));
    made->reminded = apr_pcalloc(pool, sizeof(*made->reminded));
    return made;
}

static void add_signing(authsvc_keyset_t *keys, const authsvc_timed_key_t *timed)
{
    entry_t *entry = &keys->entries[keys->n++];

    entry->key = timed->key;
    entry->name = timed->name;
    entry->publish_at = timed->publish_at;
    entry->sign_at = timed->sign_at;
    entry->gone_at = timed->retire_at;
    keys->n_signing++;
}

/* What the admin names by hand holds for good, whatever a file's name says of the same key. */
static void add_verifying(authsvc_keyset_t *keys, const apr_array_header_t *verify)
{
    int i;

    for (i = 0; verify && i < verify->nelts; i++) {
        const authsvc_key_t *key = APR_ARRAY_IDX(verify, i, const authsvc_key_t *);
        entry_t *entry = find(keys, key->kid);

        if (!entry) {
            entry = &keys->entries[keys->n++];
            entry->key = key;
            entry->sign_at = AUTHSVC_KEY_FOREVER;
        }
        entry->publish_at = ALWAYS;
        entry->gone_at = AUTHSVC_KEY_FOREVER;
    }
}

authsvc_error_t *authsvc_keyset_create(apr_pool_t *pool, authsvc_key_t *signing,
                                       const apr_array_header_t *verify, authsvc_keyset_t **keys)
{
    authsvc_timed_key_t always = {signing, NULL, ALWAYS, ALWAYS, AUTHSVC_KEY_FOREVER};
    authsvc_keyset_t *made = new_set(pool, 1, verify);

    if (signing && !signing->is_private) {
        return AUTHSVC_ERROR(pool, AUTHSVC_E_INVALID, NULL,
                             "To sign, a private key is needed; this one is public.",
                             "public key %s as signing key", signing->kid);
    }
    if (signing) {
        add_signing(made, &always);
    }
    add_verifying(made, verify);
    *keys = made;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const entry_t *left = a, *right = b;

    return (left->sign_at > right->sign_at) - (left->sign_at < right->sign_at);
}

static authsvc_error_t *check_entry(apr_pool_t *pool, const authsvc_keyset_t *keys, int i)
{
    const entry_t *entry = &keys->entries[i], *other = find(keys, entry->key->kid);

    if (!entry->key->is_private) {
        return authsvc_crypto_refuse(pool, entry->name, "is a public key; to sign, the private "
                                                        "key is needed");
    }
    if (other && other != entry) {
        return authsvc_crypto_refuse(pool, entry->name, "is the same key as %s; remove one of "
                                                        "them", other->name);
    }
    if (i > 0 && entry[-1].sign_at == entry->sign_at) {
        return authsvc_crypto_refuse(pool, entry->name, "begins to sign at the same time as %s; "
                                                        "remove one of them", entry[-1].name);
    }
    return NULL;
}

authsvc_error_t *authsvc_keyset_create_timed(apr_pool_t *pool, const apr_array_header_t *timed,
                                             const apr_array_header_t *verify,
                                             apr_interval_time_t lifetime,
                                             authsvc_keyset_t **keys)
{
    authsvc_keyset_t *made = new_set(pool, timed->nelts, verify);
    entry_t *entry = made->entries;
    int i;

    made->rotates = 1;
    for (i = 0; i < timed->nelts; i++) {
        add_signing(made, &APR_ARRAY_IDX(timed, i, const authsvc_timed_key_t));
    }
    qsort(made->entries, (size_t)made->n, sizeof(entry_t), compare);
    for (i = 0; i < made->n; i++) {
        AUTHSVC_TRY(check_entry(pool, made, i));
    }
    for (; entry + 1 < made->entries + made->n; entry++) {
        apr_time_t last_token = entry[1].sign_at + lifetime + AUTHSVC_KEY_MARGIN;

        entry->gone_at = entry->gone_at > last_token ? entry->gone_at : last_token;
    }
    if (made->n > 0) {
        entry->gone_at = AUTHSVC_KEY_FOREVER;
    }
    add_verifying(made, verify);
    *keys = made;
    return NULL;
}

static const entry_t *signs(const authsvc_keyset_t *keys, apr_time_t now)
{
    int i = keys->n_signing - 1;

    while (i > 0 && keys->entries[i].sign_at > now) {
        i--;
    }
    return i >= 0 ? &keys->entries[i] : NULL;
}

static int is_published(const authsvc_keyset_t *keys, const entry_t *entry, apr_time_t now)
{
    return entry == signs(keys, now) || (entry->publish_at <= now && now < entry->gone_at);
}

const authsvc_key_t *authsvc_keyset_signing(const authsvc_keyset_t *keys, apr_time_t now)
{
    const entry_t *entry = signs(keys, now);

    return entry ? entry->key : NULL;
}

const authsvc_key_t *authsvc_keyset_find(const authsvc_keyset_t *keys, const char *kid,
                                         apr_time_t now)
{
    const entry_t *entry = find(keys, kid);

    return entry && now < entry->gone_at ? entry->key : NULL;
}

const authsvc_key_t *authsvc_keyset_find_header(const authsvc_keyset_t *keys,
                                                authsvc_token_type_t type, const char *header,
                                                apr_size_t len, apr_time_t now)
{
    int i;

    for (i = 0; i < keys->n; i++) {
        const entry_t *entry = &keys->entries[i];
        const char *own = entry->key->headers[type];

        if (strlen(own) == len && memcmp(own, header, len) == 0) {
            return now < entry->gone_at ? entry->key : NULL;
        }
    }
    return NULL;
}

apr_time_t authsvc_keyset_retirement(const authsvc_keyset_t *keys, const char *kid)
{
    const entry_t *entry = find(keys, kid);

    return entry ? entry->gone_at : 0;
}

int authsvc_keyset_shares(const authsvc_keyset_t *a, const authsvc_keyset_t *b)
{
    int i;

    for (i = 0; a && b && i < a->n; i++) {
        if (find(b, a->entries[i].key->kid)) {
            return 1;
        }
    }
    return 0;
}

int authsvc_keyset_lacks_successor(const authsvc_keyset_t *keys, apr_time_t now)
{
    return keys->rotates && signs(keys, now) == &keys->entries[keys->n_signing - 1];
}

int authsvc_keyset_reminds(const authsvc_keyset_t *keys, apr_time_t now)
{
    apr_uint32_t hour = (apr_uint32_t)(now / HOUR);
    apr_uint32_t last = apr_atomic_read32(keys->reminded);

    return hour != last && apr_atomic_cas32(keys->reminded, hour, last) == last;
}

authsvc_json_t *authsvc_keyset_jwks(const authsvc_keyset_t *keys, apr_time_t now,
                                    apr_pool_t *pool)
{
    authsvc_json_t *jwks = authsvc_json_object(pool);
    authsvc_json_t *array = authsvc_json_array(pool);
    const entry_t *signing = signs(keys, now);
    int i;

    if (signing) {
        authsvc_json_append(array, authsvc_key_jwk(signing->key, pool));
    }
    for (i = 0; i < keys->n; i++) {
        if (&keys->entries[i] != signing && is_published(keys, &keys->entries[i], now)) {
            authsvc_json_append(array, authsvc_key_jwk(keys->entries[i].key, pool));
        }
    }
    authsvc_json_set(jwks, "keys", array);
    return jwks;
}

apr_interval_time_t authsvc_keyset_jwks_lasts(const authsvc_keyset_t *keys, apr_time_t now)
{
    int i;

    for (i = 0; i < keys->n_signing; i++) {
        const entry_t *entry = &keys->entries[i];

        if (entry->sign_at > now && !is_published(keys, entry, now)) {
            return entry->sign_at - now;
        }
    }
    return AUTHSVC_KEY_FOREVER;
}

apr_array_header_t *authsvc_keyset_algorithms(const authsvc_keyset_t *keys, apr_time_t now,
                                              apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, ALGORITHMS, sizeof(const char *));
    int seen[ALGORITHMS] = {0};
    int i;

    for (i = 0; i < keys->n; i++) {
        const authsvc_key_t *key = keys->entries[i].key;

        if (now < keys->entries[i].gone_at && !seen[key->algorithm]) {
            seen[key->algorithm] = 1;
            APR_ARRAY_PUSH(names, const char *) = authsvc_algorithm_name(key->algorithm);
        }
    }
    return names;
}
