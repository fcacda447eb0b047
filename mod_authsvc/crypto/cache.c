/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/cache.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authsvc/crypto/crypto.h"

#define WAYS 4U
#define LOCKS 64U
#define ENTRIES_MAX (1U << 20)

typedef struct {
    authsvc_cache_key_t key;
    apr_int64_t since;
    apr_int64_t until; /* 0: empty */
    apr_uint64_t used; /* when, in uses of its lock's sets */
    apr_size_t len;
} entry_t;

typedef struct {
    apr_thread_mutex_t *mutex;
    apr_uint64_t uses;
} lock_t;

struct authsvc_cache_t {
    unsigned char *secret; /* in memory that is neither swapped out nor in a core dump */
    apr_uint32_t sets; /* a power of two, each of WAYS entries */
    apr_size_t value_max;
    apr_size_t stride; /* of an entry with its value behind it */
    char *entries;
    lock_t locks[LOCKS]; /* a set's is that of its number modulo LOCKS */
};

static apr_status_t destroy(void *data)
{
    authsvc_cache_t *cache = data;

    sodium_free(cache->secret);
    free(cache->entries);
    return APR_SUCCESS;
}

authsvc_error_t *authsvc_cache_create(apr_pool_t *pool, apr_uint32_t entries,
                                      apr_size_t value_max, authsvc_cache_t **cache)
{
    authsvc_cache_t *made = apr_pcalloc(pool, sizeof(*made));
    int i;

    for (made->sets = 1; made->sets * WAYS < entries && made->sets < ENTRIES_MAX / WAYS;) {
        made->sets *= 2;
    }
    made->value_max = value_max;
    made->stride = APR_ALIGN_DEFAULT(sizeof(entry_t) + value_max);
    for (i = 0; i < (int)LOCKS; i++) {
        if (apr_thread_mutex_create(&made->locks[i].mutex, APR_THREAD_MUTEX_DEFAULT, pool) !=
            APR_SUCCESS) {
            return AUTHSVC_INTERNAL(pool, "no mutex for a cache");
        }
    }
    /* Not the pool's: what is never written to needs no memory. */
    made->entries = calloc((size_t)made->sets * WAYS, made->stride);
    made->secret = sodium_malloc(crypto_generichash_KEYBYTES);
    apr_pool_cleanup_register(pool, made, destroy, apr_pool_cleanup_null);
    if (!made->entries || !made->secret) {
        return AUTHSVC_INTERNAL(pool, "no memory for a cache");
    }
    authsvc_crypto_random(made->secret, crypto_generichash_KEYBYTES);
    *cache = made;
    return NULL;
}

int authsvc_cache_key(const authsvc_cache_t *cache, const void *scope, const void *secret,
                       apr_size_t len, authsvc_cache_key_t *key)
{
    crypto_generichash_state state;

    return crypto_generichash_init(&state, cache->secret, crypto_generichash_KEYBYTES,
                                   sizeof(key->octets)) == 0 &&
           crypto_generichash_update(&state, (const unsigned char *)&scope, sizeof(scope)) == 0 &&
           crypto_generichash_update(&state, secret, len) == 0 &&
           crypto_generichash_final(&state, key->octets, sizeof(key->octets)) == 0;
}

static apr_uint32_t set_of(const authsvc_cache_t *cache, const authsvc_cache_key_t *key)
{
    apr_uint32_t number;

    memcpy(&number, key->octets, sizeof(number));
    return number & (cache->sets - 1);
}

static entry_t *entry_at(const authsvc_cache_t *cache, apr_uint32_t set, unsigned int way)
{
    /* stride and calloc keep the alignment */
    return (entry_t *)(void *)(cache->entries + ((size_t)set * WAYS + way) * cache->stride);
}

/* With the set's lock held. @return NULL if it is not there */
static entry_t *find(const authsvc_cache_t *cache, apr_uint32_t set,
                     const authsvc_cache_key_t *key)
{
    unsigned int way;

    for (way = 0; way < WAYS; way++) {
        entry_t *entry = entry_at(cache, set, way);

        if (entry->until != 0 &&
            sodium_memcmp(entry->key.octets, key->octets, sizeof(key->octets)) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* The same. An empty one, one that is over, or the one that was not used for the longest time. */
static entry_t *choose(const authsvc_cache_t *cache, apr_uint32_t set, apr_int64_t now)
{
    entry_t *chosen = entry_at(cache, set, 0);
    unsigned int way;

    for (way = 0; way < WAYS; way++) {
        entry_t *entry = entry_at(cache, set, way);

        if (entry->until <= now) {
            return entry;
        }
        if (entry->used < chosen->used) {
            chosen = entry;
        }
    }
    return chosen;
}

void *authsvc_cache_get(authsvc_cache_t *cache, apr_pool_t *pool, const authsvc_cache_key_t *key,
                        apr_int64_t now, apr_size_t *len)
{
    apr_uint32_t set = set_of(cache, key);
    lock_t *lock = &cache->locks[set % LOCKS];
    void *copy = NULL;
    entry_t *entry;

    apr_thread_mutex_lock(lock->mutex);
    entry = find(cache, set, key);
    if (entry && entry->since <= now && now < entry->until) {
        entry->used = ++lock->uses;
        *len = entry->len;
        copy = apr_pmemdup(pool, entry + 1, entry->len);
    }
    apr_thread_mutex_unlock(lock->mutex);
    return copy;
}

void authsvc_cache_put(authsvc_cache_t *cache, const authsvc_cache_key_t *key, apr_int64_t now,
                       apr_int64_t until, const void *value, apr_size_t len)
{
    apr_uint32_t set = set_of(cache, key);
    lock_t *lock = &cache->locks[set % LOCKS];
    entry_t *entry;

    if (len > cache->value_max || until <= now || until <= 0) {
        return;
    }
    apr_thread_mutex_lock(lock->mutex);
    entry = find(cache, set, key);
    if (!entry) {
        entry = choose(cache, set, now);
        entry->key = *key;
    }
    entry->since = now;
    entry->until = until;
    entry->used = ++lock->uses;
    entry->len = len;
    memcpy(entry + 1, value, len);
    apr_thread_mutex_unlock(lock->mutex);
}

void authsvc_cache_remove(authsvc_cache_t *cache, const authsvc_cache_key_t *key)
{
    apr_uint32_t set = set_of(cache, key);
    lock_t *lock = &cache->locks[set % LOCKS];
    entry_t *entry;

    apr_thread_mutex_lock(lock->mutex);
    entry = find(cache, set, key);
    if (entry) {
        entry->until = 0;
    }
    apr_thread_mutex_unlock(lock->mutex);
}
