/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/password.h"

#include <dlfcn.h>
#include <errno.h>
#include <sodium.h>
#include <sys/resource.h>

#include "authsvc/core/settings.h"
#include "authsvc/crypto/admission.h"
#include "authsvc/crypto/crypto.h"
#include "unit.h"

/* Sanitizers of addresses and threads need terabytes of it, and cannot live with a limit. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_ADDRESS_SPACE 0
#endif
#endif
#if !defined(HAS_ADDRESS_SPACE)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ADDRESS_SPACE 0
#else
#define HAS_ADDRESS_SPACE 1
#endif
#endif

/* Of "correct horse", by OpenSSL's Argon2id: salt 00..0f, 64 KiB, two passes. */
#define KNOWN \
    "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw" \
    "$nIfAaJi8GFFmabVKi5XTbmIpRklNelXCbzkaBAYGjBk"
#define KNOWN_SHORT "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$dRwpllCSvt4Rgco7IFIj3w"
#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define HASH "nIfAaJi8GFFmabVKi5XTbmIpRklNelXCbzkaBAYGjBk"

/*
 * The seam: this program's own crypto_pwhash_str and crypto_pwhash stand before libsodium's. They
 * count, note what they were asked, fail when told to, and pass on.
 */
static struct {
    int hashed;
    int verified;
    char against[crypto_pwhash_STRBYTES]; /* a PHC string as far as its salt */
    unsigned long long len;
    int fail; /* errno to fail with */
} seam;

int crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char *const passwd,
                      unsigned long long len, unsigned long long passes, size_t memory)
{
    int (*real)(char *, const char *, unsigned long long, unsigned long long, size_t);

    seam.hashed++;
    seam.len = len;
    if (seam.fail) {
        errno = seam.fail;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash_str");
    return real(out, passwd, len, passes, memory);
}

int crypto_pwhash(unsigned char *const out, unsigned long long out_len, const char *const passwd,
                  unsigned long long len, const unsigned char *const salt,
                  unsigned long long passes, size_t memory, int algorithm)
{
    int (*real)(unsigned char *, unsigned long long, const char *, unsigned long long,
                const unsigned char *, unsigned long long, size_t, int);
    char text[64];

    seam.verified++;
    seam.len = len;
    sodium_bin2base64(text, sizeof(text), salt, crypto_pwhash_SALTBYTES,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    snprintf(seam.against, sizeof(seam.against), "%sv=19$m=%zu,t=%llu,p=1$%s$",
             algorithm == crypto_pwhash_ALG_ARGON2ID13 ? "$argon2id$" : "?", memory / 1024, passes,
             text);
    if (seam.fail) {
        errno = seam.fail;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
    return real(out, out_len, passwd, len, salt, passes, memory, algorithm);
}

/* The computation was that of this PHC string: its cost, its salt. */
static int computed(const char *stored)
{
    return strncmp(stored, seam.against, strlen(seam.against)) == 0;
}

static authsvc_settings_t settings;
static authsvc_ctx_t ctx;
static unit_log_t lines;
static authsvc_log_t sink = {unit_log_write, &lines};
static authsvc_gate_t gate;

static void set_up(void)
{
    memset(&seam, 0, sizeof(seam));
    memset(&lines, 0, sizeof(lines));
    memset(&ctx, 0, sizeof(ctx));
    ck_assert_ptr_null(authsvc_crypto_init(unit_pool));
    authsvc_settings_init(&settings, unit_pool);
    settings.hash_memory = 64 * 1024;
    settings.hash_passes = 2;
    ck_assert_ptr_null(authsvc_password_dummy(unit_pool, settings.hash_memory,
                                              settings.hash_passes, &settings.dummy_hash));
    authsvc_gate_init(&gate, 1);
    ctx.pool = unit_pool;
    ctx.settings = &settings;
    ctx.log = &sink;
    ctx.gate = &gate;
    ck_assert_ptr_null(authsvc_admission_create(unit_pool, 1, 0, 0, (uid_t)-1, (gid_t)-1,
                                                &ctx.admission));
}

/* Gate and slot are free again, whatever happened. */
static void assert_all_given_back(void)
{
    int slots, places;

    authsvc_admission_free(ctx.admission, &slots, &places);
    ck_assert_int_eq(slots, 1);
    ck_assert_uint_eq(gate.inside, 0);
}

static authsvc_password_verdict_t check_octets(const char *stored, const char *password,
                                               size_t len)
{
    authsvc_password_verdict_t verdict = {-1, -1};
    int before = seam.verified;

    ck_assert_ptr_null(authsvc_password_verify(&ctx, stored, password, len, &verdict));
    ck_assert_int_eq(seam.verified, before + 1);
    ck_assert_uint_eq(seam.len, len);
    assert_all_given_back();
    return verdict;
}

static authsvc_password_verdict_t check(const char *stored, const char *password)
{
    return check_octets(stored, password, strlen(password));
}

static const char *hash_octets(const char *password, size_t len)
{
    const char *hash = NULL;

    ck_assert_ptr_null(authsvc_password_hash(&ctx, password, len, &hash));
    assert_all_given_back();
    return hash;
}

START_TEST(a_password_verifies_against_its_hash_only)
{
    const char *hash = hash_octets("correct horse", 13);
    authsvc_password_verdict_t verdict;

    ck_assert_int_eq(strncmp(hash, "$argon2id$v=19$m=64,t=2,p=1$", 28), 0);
    ck_assert_str_ne(hash, hash_octets("correct horse", 13));
    ck_assert_int_eq(seam.hashed, 2);
    verdict = check(hash, "correct horse");
    ck_assert_int_eq(verdict.matches, 1);
    ck_assert_int_eq(verdict.needs_rehash, 0);
    ck_assert_int_eq(check(hash, "correct horsf").matches, 0);
    ck_assert_int_eq(check(hash, "Correct horse").matches, 0);
    ck_assert_int_eq(check(hash, "correct hors").matches, 0);
    ck_assert_int_eq(check(hash, "correct horse ").matches, 0);
    ck_assert_int_eq(check(hash, "").matches, 0);
    ck_assert_int_eq(lines.lines, 0);
}
END_TEST

START_TEST(a_hash_made_elsewhere_verifies)
{
    ck_assert_int_eq(check(KNOWN, "correct horse").matches, 1);
    ck_assert_int_eq(computed(KNOWN), 1);
    ck_assert_int_eq(check(KNOWN, "correct horse!").matches, 0);
}
END_TEST

START_TEST(nothing_ends_or_shortens_a_password)
{
    const char *hash = hash_octets("ab\0cd", 5);
    char emoji[512 + 1] = "", other[512 + 1];
    int i;

    ck_assert_int_eq(check_octets(hash, "ab\0cd", 5).matches, 1);
    ck_assert_int_eq(check_octets(hash, "ab\0ce", 5).matches, 0);
    ck_assert_int_eq(check_octets(hash, "ab\0", 3).matches, 0);
    ck_assert_int_eq(check_octets(hash, "ab", 2).matches, 0);
    for (i = 0; i < 128; i++) {
        memcpy(emoji + 4 * i, "\xf0\x9f\x94\x91", 5);
    }
    memcpy(other, emoji, sizeof(emoji));
    other[511] ^= 1;
    hash = hash_octets(emoji, 512);
    ck_assert_int_eq(check_octets(hash, emoji, 512).matches, 1);
    ck_assert_int_eq(check_octets(hash, other, 512).matches, 0);
    ck_assert_int_eq(check_octets(hash, emoji, 508).matches, 0);
}
END_TEST

/* The same work for a user that does not exist. */
START_TEST(no_stored_hash_costs_the_same)
{
    authsvc_password_verdict_t verdict = check(NULL, "correct horse");

    ck_assert_int_eq(verdict.matches, 0);
    ck_assert_int_eq(verdict.needs_rehash, 0);
    ck_assert_int_eq(computed(settings.dummy_hash), 1);
    ck_assert_int_eq(strncmp(seam.against, "$argon2id$v=19$m=64,t=2,p=1$", 28), 0);
    ck_assert_int_eq(lines.lines, 0);
}
END_TEST

static const char *const unreadable[] = {
    "",
    "x",
    "$",
    "correct horse",
    "$2b$12$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    "$argon2i$v=19$m=64,t=2,p=1$" SALT "$" HASH,
    "$argon2d$v=19$m=64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=16$m=64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$m=64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=2,p=2$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1",
    "$argon2id$v=19$m=64,t=2,p=1$",
    "$argon2id$v=19$m=64,t=2,p=1$" SALT,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$",
    "$argon2id$v=19$m=64,t=2,p=1$$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$" HASH "$",
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$" HASH "=",
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$" HASH " ",
    " $argon2id$v=19$m=64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$!" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$nIfAaJi8GFFmabVKi5XTbmIpRklNelXCbzkaBAYGjBl",
    "$argon2id$v=19$m=64,t=2,p=1$AAECAw$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0O$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODxA$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$AAECAwQFBgc",
    "$argon2id$v=19$t=2,m=64,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1,data=AA$" SALT "$" HASH,
    "$argon2id$v=19$m=,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=7,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=0,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=0,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=064,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=+64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=-64,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64.0,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=0x40,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=4294967360,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=18446744073709551680,t=2,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=4294967298,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT SALT SALT SALT "$" HASH HASH,
    "$argon2id$v=19$m=64,t=2,p=1$" SALT "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

START_TEST(unreadable_hashes_cost_the_same_and_match_nothing)
{
    authsvc_password_verdict_t verdict = check(unreadable[_i], "correct horse");

    ck_assert_int_eq(verdict.matches, 0);
    ck_assert_int_eq(computed(settings.dummy_hash), 1);
    ck_assert_int_eq(lines.lines, 1);
    ck_assert_int_eq(lines.level, AUTHSVC_LOG_ERROR);
    ck_assert_ptr_nonnull(strstr(lines.last, "AS0090"));
    ck_assert_ptr_null(strstr(lines.last, "argon2id$"));
}
END_TEST

static void assert_overloaded(authsvc_error_t *err)
{
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(err->code, AUTHSVC_E_UNAVAILABLE);
    ck_assert_str_eq(err->slug, "overloaded");
    ck_assert_int_ge(err->retry_after, 1);
    ck_assert_int_le(err->retry_after, 5);
}

/* What an import or a hand in the database could do to the server's memory. */
START_TEST(too_dear_hashes_are_not_computed)
{
    static const struct {
        const char *stored;
        int dear;
    } cases[] = {
        {"$argon2id$v=19$m=1048577,t=2,p=1$" SALT "$" HASH, 1},
        {"$argon2id$v=19$m=4194304,t=2,p=1$" SALT "$" HASH, 1},
        {"$argon2id$v=19$m=4294967295,t=2,p=1$" SALT "$" HASH, 1},
        {"$argon2id$v=19$m=64,t=21,p=1$" SALT "$" HASH, 1},
        {"$argon2id$v=19$m=64,t=4294967295,p=1$" SALT "$" HASH, 1},
        {"$argon2id$v=19$m=64,t=20,p=1$" SALT "$" HASH, 0},
        {"$argon2id$v=19$m=1024,t=20,p=1$" SALT "$" HASH, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lines.lines = 0;
        ck_assert_int_eq(check(cases[i].stored, "correct horse").matches, 0);
        ck_assert_int_eq(computed(cases[i].dear ? settings.dummy_hash : cases[i].stored), 1);
        ck_assert_int_eq(lines.lines, cases[i].dear);
        ck_assert_int_eq(cases[i].dear, strstr(lines.last, "AS0091") != NULL);
        lines.last[0] = '\0';
    }
    /* The cap grows with the settings. */
    settings.hash_passes = 6;
    ck_assert_int_eq(check("$argon2id$v=19$m=64,t=24,p=1$" SALT "$" HASH, "x").matches, 0);
    ck_assert_ptr_nonnull(strstr(seam.against, "t=24"));
    ck_assert_int_eq(check("$argon2id$v=19$m=64,t=25,p=1$" SALT "$" HASH, "x").matches, 0);
    ck_assert_int_eq(computed(settings.dummy_hash), 1);
}
END_TEST

/* Made at a cost that the site has lowered since: computed, and without the memory no verdict. */
START_TEST(a_lowered_cost_locks_nobody_out)
{
    static const char stored[] = "$argon2id$v=19$m=1048576,t=20,p=1$" SALT "$" HASH;
    authsvc_password_verdict_t verdict;

    seam.fail = ENOMEM;
    assert_overloaded(authsvc_password_verify(&ctx, stored, "correct horse", 13, &verdict));
    ck_assert_int_eq(computed(stored), 1);
    ck_assert_int_eq(lines.lines, 0);
    assert_all_given_back();
}
END_TEST

START_TEST(weaker_hashes_are_to_be_made_anew)
{
    static const struct {
        size_t memory;
        int passes;
        int needs_rehash;
    } now[] = {
        {64 * 1024, 2, 0},  {65 * 1024, 2, 1}, {64 * 1024, 3, 1}, {128 * 1024, 1, 1},
        {32 * 1024, 3, 1},  {32 * 1024, 2, 0}, {64 * 1024, 1, 0}, {32 * 1024, 1, 0},
        {64 * 1024 + 5, 2, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(now) / sizeof(now[0]); i++) {
        authsvc_password_verdict_t verdict;

        settings.hash_memory = now[i].memory;
        settings.hash_passes = now[i].passes;
        verdict = check(KNOWN, "correct horse");
        ck_assert_int_eq(verdict.matches, 1);
        ck_assert_msg(verdict.needs_rehash == now[i].needs_rehash, "case %d", (int)i);
        verdict = check(KNOWN, "wrong horse");
        ck_assert_int_eq(verdict.matches, 0);
        ck_assert_int_eq(verdict.needs_rehash, 0);
    }
    settings.hash_memory = 64 * 1024;
    settings.hash_passes = 2;
    ck_assert_int_eq(check(KNOWN_SHORT, "correct horse").matches, 1);
    ck_assert_int_eq(check(KNOWN_SHORT, "correct horse").needs_rehash, 1);
}
END_TEST

/* Not even if somebody knew a password for the dummy. */
START_TEST(the_dummy_lets_nobody_in)
{
    settings.dummy_hash = KNOWN;
    ck_assert_int_eq(check(KNOWN, "correct horse").matches, 1);
    ck_assert_int_eq(check(NULL, "correct horse").matches, 0);
    ck_assert_int_eq(check("unreadable", "correct horse").matches, 0);
    ck_assert_int_eq(check("$argon2id$v=19$m=64,t=21,p=1$" SALT "$" HASH, "correct horse").matches,
                     0);
}
END_TEST

/* Out of memory is no wrong password; neither is anything else that is no verdict. */
START_TEST(no_memory_is_no_verdict)
{
    authsvc_password_verdict_t verdict;
    const char *hash;

    seam.fail = ENOMEM;
    assert_overloaded(authsvc_password_verify(&ctx, KNOWN, "correct horse", 13, &verdict));
    assert_all_given_back();
    assert_overloaded(authsvc_password_verify(&ctx, NULL, "correct horse", 13, &verdict));
    assert_all_given_back();
    assert_overloaded(authsvc_password_hash(&ctx, "correct horse", 13, &hash));
    assert_all_given_back();
    seam.fail = EFBIG;
    ck_assert_int_eq(authsvc_password_verify(&ctx, KNOWN, "x", 1, &verdict)->code,
                     AUTHSVC_E_INTERNAL);
    ck_assert_int_eq(authsvc_password_hash(&ctx, "x", 1, &hash)->code, AUTHSVC_E_INTERNAL);
    assert_all_given_back();
    seam.fail = 0;
    ck_assert_int_eq(check(KNOWN, "correct horse").matches, 1);
}
END_TEST

#if HAS_ADDRESS_SPACE
/* The same with libsodium itself, in a process that may not have 64 MiB more. */
START_TEST(a_real_lack_of_memory_is_seen)
{
    authsvc_password_verdict_t verdict;
    struct rlimit limit;
    const char *hash;

    settings.hash_memory = (size_t)1 << 30;
    settings.dummy_hash = "$argon2id$v=19$m=1048576,t=1,p=1$" SALT "$" HASH;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = (rlim_t)512 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    assert_overloaded(authsvc_password_hash(&ctx, "x", 1, &hash));
    assert_overloaded(authsvc_password_verify(&ctx, NULL, "x", 1, &verdict));
    assert_overloaded(authsvc_password_verify(
        &ctx, "$argon2id$v=19$m=1048576,t=1,p=1$" SALT "$" HASH, "x", 1, &verdict));
    assert_all_given_back();
    /* Control: the limit leaves room for the usual cost. */
    ck_assert_int_eq(check(KNOWN, "correct horse").matches, 1);
}
END_TEST
#endif

START_TEST(a_full_gate_or_queue_computes_nothing)
{
    authsvc_password_verdict_t verdict;
    const char *hash;

    ck_assert_int_eq(authsvc_gate_enter(&gate), 1);
    assert_overloaded(authsvc_password_hash(&ctx, "x", 1, &hash));
    assert_overloaded(authsvc_password_verify(&ctx, KNOWN, "x", 1, &verdict));
    authsvc_gate_leave(&gate);
    ck_assert_ptr_null(authsvc_admission_enter(ctx.admission, unit_pool));
    assert_overloaded(authsvc_password_hash(&ctx, "x", 1, &hash));
    assert_overloaded(authsvc_password_verify(&ctx, KNOWN, "x", 1, &verdict));
    ck_assert_uint_eq(gate.inside, 0);
    ck_assert_int_eq(seam.hashed + seam.verified, 0);
    authsvc_admission_leave(ctx.admission);
    ck_assert_int_eq(check(KNOWN, "correct horse").matches, 1);
}
END_TEST

START_TEST(gate_and_admission_are_optional)
{
    authsvc_password_verdict_t verdict;
    const char *hash;

    ctx.gate = NULL;
    ctx.admission = NULL;
    ck_assert_ptr_null(authsvc_password_hash(&ctx, "x", 1, &hash));
    ck_assert_ptr_null(authsvc_password_verify(&ctx, hash, "x", 1, &verdict));
    ck_assert_int_eq(verdict.matches, 1);
}
END_TEST

START_TEST(without_a_dummy_nothing_is_verified)
{
    authsvc_password_verdict_t verdict;

    settings.dummy_hash = NULL;
    ck_assert_int_eq(authsvc_password_verify(&ctx, NULL, "x", 1, &verdict)->code,
                     AUTHSVC_E_INTERNAL);
    assert_all_given_back();
}
END_TEST

START_TEST(a_dummy_has_the_cost_and_nobodys_password)
{
    const char *a, *b;

    ck_assert_ptr_null(authsvc_password_dummy(unit_pool, 64 * 1024 * 1024, 2, &a));
    ck_assert_ptr_null(authsvc_password_dummy(unit_pool, 64 * 1024 * 1024, 2, &b));
    ck_assert_str_ne(a, b);
    ck_assert_int_eq(strncmp(a, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0);
    ck_assert_uint_eq(strlen(a), 31 + 22 + 1 + 43);
    ck_assert_uint_lt(strlen(a), crypto_pwhash_STRBYTES);
    /* libsodium reads it, and says no. */
    ck_assert_ptr_null(authsvc_password_dummy(unit_pool, 8192, 1, &a));
    ck_assert_int_eq(check(a, "").matches, 0);
    ck_assert_int_eq(computed(a), 1);
    ck_assert_int_eq(authsvc_password_dummy(unit_pool, 8191, 1, &a)->code, AUTHSVC_E_INVALID);
    ck_assert_int_eq(authsvc_password_dummy(unit_pool, 8192, 0, &a)->code, AUTHSVC_E_INVALID);
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_password)
{
    Suite *suite = suite_create("password");
    TCase *tcase = unit_tcase(suite, "password");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_password_verifies_against_its_hash_only);
    tcase_add_test(tcase, a_hash_made_elsewhere_verifies);
    tcase_add_test(tcase, nothing_ends_or_shortens_a_password);
    tcase_add_test(tcase, no_stored_hash_costs_the_same);
    tcase_add_loop_test(tcase, unreadable_hashes_cost_the_same_and_match_nothing, 0,
                        sizeof(unreadable) / sizeof(unreadable[0]));
    tcase_add_test(tcase, too_dear_hashes_are_not_computed);
    tcase_add_test(tcase, a_lowered_cost_locks_nobody_out);
    tcase_add_test(tcase, weaker_hashes_are_to_be_made_anew);
    tcase_add_test(tcase, the_dummy_lets_nobody_in);
    tcase_add_test(tcase, no_memory_is_no_verdict);
#if HAS_ADDRESS_SPACE
    tcase_add_test(tcase, a_real_lack_of_memory_is_seen);
#endif
    tcase_add_test(tcase, a_full_gate_or_queue_computes_nothing);
    tcase_add_test(tcase, gate_and_admission_are_optional);
    tcase_add_test(tcase, without_a_dummy_nothing_is_verified);
    tcase_add_test(tcase, a_dummy_has_the_cost_and_nobodys_password);
    return suite;
}
