/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/crypto/secrets.h"

#include <dlfcn.h>
#include <sodium.h>
#include <unistd.h>

#include "authsvc/crypto/crypto.h"
#include "fixture.h"
#include "unit.h"

/* base64url of 32 octets each. */
#define SECRET_A "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define SECRET_B "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* The seam: this stands before libsodium's, and notes where the raw secret lies. */
static struct {
    int calls;
    const unsigned char *raw[8];
    unsigned char first[8]; /* octet of each, when it was used */
} seam;

int crypto_kdf_derive_from_key(unsigned char *subkey, size_t len, uint64_t id,
                               const char context[crypto_kdf_CONTEXTBYTES],
                               const unsigned char key[crypto_kdf_KEYBYTES])
{
    int (*real)(unsigned char *, size_t, uint64_t, const char *, const unsigned char *);

    if (seam.calls < 8) {
        seam.raw[seam.calls] = key;
        seam.first[seam.calls++] = key[0];
    }
    *(void **)&real = dlsym(RTLD_NEXT, "crypto_kdf_derive_from_key");
    return real(subkey, len, id, context, key);
}

static authsvc_error_t *parse(const char *text, authsvc_secrets_t **secrets)
{
    return authsvc_secrets_parse(unit_pool, "secret.txt", text, strlen(text), secrets);
}

static void assert_refused(authsvc_error_t *err, const char *because)
{
    ck_assert_msg(err != NULL, "accepted, but should not be: %s", because);
    ck_assert_int_eq(err->code, AUTHSVC_E_INVALID);
    ck_assert_msg(strstr(err->detail, because) != NULL, "\"%s\" does not say \"%s\"", err->detail,
                  because);
    /* Never a secret in a message. */
    ck_assert_ptr_null(strstr(err->detail, "AQEBAQEB"));
    ck_assert_ptr_null(strstr(err->internal, "AQEBAQEB"));
}

START_TEST(the_first_line_makes_new_tokens)
{
    authsvc_secrets_t *secrets;

    ck_assert_ptr_null(parse("# rotated in spring\n\n2:" SECRET_B "\r\n1:" SECRET_A, &secrets));
    ck_assert_int_eq(authsvc_secrets_current(secrets), 2);
    ck_assert_ptr_nonnull(authsvc_secrets_fingerprint(secrets, 1, unit_pool));
    ck_assert_ptr_nonnull(authsvc_secrets_fingerprint(secrets, 2, unit_pool));
    ck_assert_ptr_null(authsvc_secrets_fingerprint(secrets, 3, unit_pool));
    ck_assert_ptr_null(parse("255:" SECRET_A "  \n", &secrets));
    ck_assert_int_eq(authsvc_secrets_current(secrets), 255);
}
END_TEST

/*
 * A fingerprint is in the database and must stay what it is. Computed apart from the code: BLAKE2b
 * (16 octets) of "authsvc server secret", keyed with the crypto_kdf subkey, which is BLAKE2b (32
 * octets) of nothing, keyed with the secret, salt 1 (little-endian), personal "asfprint".
 */
START_TEST(fingerprints_never_change)
{
    authsvc_secrets_t *a, *b;
    const char *print;

    ck_assert_ptr_null(parse("1:" SECRET_A "\n", &a));
    print = authsvc_secrets_fingerprint(a, 1, unit_pool);
    ck_assert_uint_eq(strlen(print), AUTHSVC_FINGERPRINT_TEXT);
    ck_assert_str_eq(print, "j0HdrP1XwFgoSqJ2wP0tLw");
    ck_assert_int_eq(authsvc_secrets_has_fingerprint(a, print), 1);
    ck_assert_int_eq(authsvc_secrets_has_fingerprint(a, ""), 0);
    ck_assert_int_eq(authsvc_secrets_has_fingerprint(a, "AAAAAAAAAAAAAAAAAAAAAA"), 0);
    /* Of the secret, not of its number; and of any secret of the file. */
    ck_assert_ptr_null(parse("2:" SECRET_B "\n9:" SECRET_A "\n", &b));
    ck_assert_str_eq(authsvc_secrets_fingerprint(b, 9, unit_pool), print);
    ck_assert_str_ne(authsvc_secrets_fingerprint(b, 2, unit_pool), print);
    ck_assert_int_eq(authsvc_secrets_has_fingerprint(b, print), 1);
    ck_assert_int_eq(
        authsvc_secrets_has_fingerprint(a, authsvc_secrets_fingerprint(b, 2, unit_pool)), 0);
}
END_TEST

START_TEST(bad_files_are_refused_with_the_line)
{
    static const struct {
        const char *text;
        const char *because;
    } cases[] = {
        {"", "holds no secret"},
        {"\n# nothing\n", "holds no secret"},
        {SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"0:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"256:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"01:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"-1:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"1000:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {" 1:" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"1 :" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"1" SECRET_A "\n", "line 1 is not \"number:secret\""},
        {"1\n", "line 1 is not \"number:secret\""},
        {"1:\n", "line 1: the secret is not"},
        {"1: " SECRET_A "\n", "line 1: the secret is not"},
        {"1:" SECRET_A "=\n", "line 1: the secret is not"},
        {"1:" SECRET_A "A\n", "line 1: the secret is not"},
        {"1:AQEBAQEB\n", "line 1: the secret is not"},
        {"1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF\n", "line 1: the secret is not"},
        {"1:" ZEROS "\n", "line 1: the secret is not"},
        {"# one\n1:" SECRET_A "\n1:" SECRET_B "\n", "line 3: the number 1 is there twice"},
        {"1:" SECRET_A "\n2:" SECRET_A "\n", "line 2: the secret is the same as that of the "
                                             "number 1"},
    };
    authsvc_secrets_t *secrets;
    size_t i;

    ck_assert_ptr_null(parse("1:" SECRET_A "\n", &secrets));
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(parse(cases[i].text, &secrets), cases[i].because);
    }
    assert_refused(authsvc_secrets_parse(unit_pool, "secret.txt", "1:" SECRET_A "\0\n", 47,
                                         &secrets), "line 1: the secret is not");
}
END_TEST

START_TEST(generated_secrets_load)
{
    authsvc_secrets_t *secrets;
    const char *line, *other, *path;
    int unreadable = -1;

    ck_assert_ptr_null(authsvc_crypto_init(unit_pool));
    ck_assert_ptr_null(authsvc_secrets_generate(unit_pool, 7, &line));
    ck_assert_ptr_null(authsvc_secrets_generate(unit_pool, 7, &other));
    ck_assert_str_ne(line, other);
    ck_assert_ptr_null(parse(line, &secrets));
    ck_assert_int_eq(authsvc_secrets_current(secrets), 7);
    path = fixture_file(unit_pool, line, strlen(line), 0600);
    ck_assert_ptr_null(authsvc_secrets_load(unit_pool, path, &unreadable, &secrets));
    ck_assert_int_eq(unreadable, 0);
    path = fixture_file(unit_pool, line, strlen(line), 0640);
    assert_refused(authsvc_secrets_load(unit_pool, path, NULL, &secrets), "chmod 0600");
    path = fixture_file(unit_pool, line, strlen(line), 0604);
    assert_refused(authsvc_secrets_load(unit_pool, path, NULL, &secrets), "chmod 0600");
    assert_refused(authsvc_secrets_generate(unit_pool, 0, &line), "1 to 255");
    assert_refused(authsvc_secrets_generate(unit_pool, 256, &line), "1 to 255");
}
END_TEST

/* Subkeys do all the work: every child of httpd would go on having what they were made of. */
START_TEST(text_and_raw_secrets_are_wiped)
{
    static const char *const texts[] = {
        "1:" SECRET_A "\n2:" SECRET_B "\n",
        "1:" SECRET_A "\n2:" SECRET_B "\n2:" SECRET_A "\n",
    };
    static const unsigned char zeros[crypto_kdf_KEYBYTES];
    int i, j;

    for (i = 0; i < 2; i++) {
        size_t len = strlen(texts[i]);
        const char *path = fixture_file(unit_pool, texts[i], len, 0600);
        const fixture_read_t *seen;
        authsvc_secrets_t *secrets = NULL;
        authsvc_error_t *err;

        memset(&seam, 0, sizeof(seam));
        fixture_watch_reads(texts[i], len);
        err = authsvc_secrets_load(unit_pool, path, NULL, &secrets);
        seen = fixture_last_read();
        ck_assert_int_eq(seen->was_text, 1);
        ck_assert_ptr_null(memmem(seen->octets, len, "BAQEBAQEBAQEBAQEBA", 18));
        ck_assert_ptr_null(memmem(seen->octets, len, "AgICAgICAgICAgICAg", 18));
        ck_assert_int_eq(seam.calls, 8);
        for (j = 0; j < 8; j++) {
            ck_assert_uint_eq(seam.first[j], j < 4 ? 1 : 2);
            ck_assert_mem_eq(seam.raw[j], zeros, sizeof(zeros));
        }
        if (i == 0) {
            ck_assert_ptr_null(err);
            ck_assert_str_eq(authsvc_secrets_fingerprint(secrets, 1, unit_pool),
                             "j0HdrP1XwFgoSqJ2wP0tLw");
        } else {
            /* what is said of the file outlives its text */
            assert_refused(err, "line 3: the number 2 is there twice");
        }
    }
}
END_TEST

START_TEST(secrets_of_another_user_are_refused)
{
    const char *text = "1:" SECRET_A "\n";
    const char *path = fixture_file(unit_pool, text, strlen(text), 0600);
    authsvc_secrets_t *secrets;

    ck_assert_ptr_null(authsvc_secrets_load(unit_pool, path, NULL, &secrets));
    if (geteuid() != 0) {
        return; /* only root can make a file somebody else's */
    }
    ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
    assert_refused(authsvc_secrets_load(unit_pool, path, NULL, &secrets), "chown root ");
}
END_TEST

START_TEST(all_255_numbers_fit)
{
    authsvc_secrets_t *secrets;
    const char *text = "", *line;
    int i;

    for (i = 255; i > 0; i--) {
        ck_assert_ptr_null(authsvc_secrets_generate(unit_pool, i, &line));
        text = apr_pstrcat(unit_pool, text, line, NULL);
    }
    ck_assert_ptr_null(parse(text, &secrets));
    ck_assert_int_eq(authsvc_secrets_current(secrets), 255);
    ck_assert_ptr_nonnull(authsvc_secrets_fingerprint(secrets, 1, unit_pool));
    text = apr_pstrcat(unit_pool, text, "1:" SECRET_A "\n", NULL);
    assert_refused(parse(text, &secrets), "line 256: the number 1 is there twice");
}
END_TEST

AUTHSVC_UNIT_SUITE(suite_secrets)
{
    Suite *suite = suite_create("secrets");
    TCase *tcase = unit_tcase(suite, "secrets");

    tcase_add_test(tcase, the_first_line_makes_new_tokens);
    tcase_add_test(tcase, fingerprints_never_change);
    tcase_add_test(tcase, bad_files_are_refused_with_the_line);
    tcase_add_test(tcase, generated_secrets_load);
    tcase_add_test(tcase, text_and_raw_secrets_are_wiped);
    tcase_add_test(tcase, secrets_of_another_user_are_refused);
    tcase_add_test(tcase, all_255_numbers_fit);
    return suite;
}
