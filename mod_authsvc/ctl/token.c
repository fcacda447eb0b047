/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jwt.h>
#include <string.h>

#include "authsvc/core/clock.h"
#include "authsvc/core/encoding.h"
#include "authsvc/core/json.h"
#include "authsvc/core/text.h"
#include "authsvc/core/units.h"
#include "authsvc/crypto/jwt.h"
#include "authsvc/crypto/keys.h"
#include "ctl.h"

#define INPUT_MAX (64 * 1024)

/* A year that RFC 3339 can still write. */
#define TIME_SHOWN_MAX 253402300799

static const char *read_token(ctl_t *ctl, const char *operand)
{
    char *buffer;
    apr_size_t len;

    if (strcmp(operand, "-") != 0) {
        return operand;
    }
    buffer = apr_palloc(ctl->pool, INPUT_MAX + 1);
    len = fread(buffer, 1, INPUT_MAX, stdin);
    while (len > 0 && (buffer[len - 1] == '\n' || buffer[len - 1] == '\r')) {
        len--;
    }
    buffer[len] = '\0';
    return strlen(buffer) == len ? buffer : NULL;
}

/* The segment that starts at *at, as a JSON object; *at moves behind its dot. */
static authsvc_json_t *segment(ctl_t *ctl, const char **at, const char **why)
{
    const char *dot = strchr(*at, '.');
    apr_size_t len;
    const unsigned char *octets;
    authsvc_json_t *json;

    if (!dot) {
        *why = "it has fewer than three segments";
        return NULL;
    }
    octets = authsvc_base64url_decode(ctl->pool, *at, (apr_size_t)(dot - *at), &len);
    if (!octets) {
        *why = "it is no canonical base64url";
        return NULL;
    }
    json = authsvc_json_parse(ctl->pool, (const char *)octets, len, why);
    if (json && authsvc_json_type(json) != AUTHSVC_JSON_OBJECT) {
        *why = "it is no JSON object";
        json = NULL;
    }
    *at = dot + 1;
    return json;
}

static void print_time(ctl_t *ctl, const authsvc_json_t *claims, const char *name)
{
    apr_int64_t seconds;

    if (authsvc_json_integer(authsvc_json_get(claims, name), &seconds) && seconds >= 0 &&
        seconds <= TIME_SHOWN_MAX) {
        fprintf(ctl->out, "%s: %s\n", name,
                authsvc_time_rfc3339(ctl->pool, apr_time_from_sec(seconds)));
    }
}

static const char *audience_of(const authsvc_json_t *claims)
{
    const authsvc_json_t *aud = authsvc_json_get(claims, "aud");
    const char *text = authsvc_json_string(aud);

    if (!text && aud) {
        text = authsvc_json_string(authsvc_json_at(aud, 0));
    }
    return text ? text : "";
}

/* @return NULL if this module accepts the token now, as its own issuer and audience would */
static authsvc_error_t *judge(ctl_t *ctl, authsvc_key_t *key, const char *token,
                              const authsvc_json_t *claims, const char *typ)
{
    apr_array_header_t *verify = apr_array_make(ctl->pool, 1, sizeof(authsvc_key_t *));
    const char *issuer = authsvc_json_get_string(claims, "iss");
    authsvc_jwt_expectation_t expected = {0};
    authsvc_claims_t accepted;
    authsvc_keyset_t *keys;

    APR_ARRAY_PUSH(verify, authsvc_key_t *) = key;
    AUTHSVC_TRY(authsvc_keyset_create(ctl->pool, NULL, verify, &keys));
    expected.issuer = issuer ? issuer : "";
    expected.audience = audience_of(claims);
    expected.type = typ && !authsvc_text_equal_ascii_case(typ, "JWT") ? AUTHSVC_TYP_AT_JWT
                                                                      : AUTHSVC_TYP_JWT;
    expected.now = apr_time_sec(authsvc_clock_now(NULL));
    return authsvc_jwt_verify(ctl->pool, keys, &expected, token, strlen(token), &accepted);
}

/* @return what libjwt says, or why it has no opinion; *refused is set to 1 if it refuses */
static const char *ask_libjwt(ctl_t *ctl, const authsvc_key_t *key, const char *token,
                              const char *typ, int *refused)
{
    const char *alg = authsvc_key_algorithm(key), *pem;
    jwt_alg_t wanted = jwt_str_alg(alg);
    jwt_t *jwt = NULL;

    if (wanted == JWT_ALG_INVAL) {
        return apr_psprintf(ctl->pool, "has no opinion (it does not know %s)", alg);
    }
    if (typ && !authsvc_text_equal_ascii_case(typ, "JWT")) {
        return "has no opinion (it knows no other typ than JWT)";
    }
    if (authsvc_key_public_pem(key, ctl->pool, &pem) != NULL) {
        return "has no opinion (the public key could not be written)";
    }
    *refused = jwt_decode(&jwt, token, (const unsigned char *)pem, (int)strlen(pem)) != 0 ||
               jwt_get_alg(jwt) != wanted;
    jwt_free(jwt);
    return *refused ? "refuses the signature" : "accepts the signature";
}

static int check(ctl_t *ctl, const char *path, const char *token, const authsvc_json_t *header,
                 const authsvc_json_t *claims)
{
    const char *typ = authsvc_json_get_string(header, "typ");
    authsvc_key_t *key;
    authsvc_error_t *err = authsvc_key_load(ctl->pool, path, 0, NULL, &key);
    int refused = 0;

    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    err = judge(ctl, key, token, claims, typ);
    if (err && err->code != AUTHSVC_E_UNAUTHENTICATED) {
        return authsvc_ctl_report(ctl, err);
    }
    fprintf(ctl->out, "mod_authsvc: %s%s%s\n", err ? "refuses it (" : "accepts it",
            err ? err->internal : "", err ? ")" : "");
    fprintf(ctl->out, "libjwt: %s\n", ask_libjwt(ctl, key, token, typ, &refused));
    return err || refused ? CTL_FAILED : CTL_OK;
}

static int inspect(ctl_t *ctl, int argc, char **argv)
{
    const char *key_path = NULL, *token, *at, *why = NULL;
    const ctl_option_t options[] = {{"key", &key_path, NULL}, {0}};
    apr_array_header_t *operands;
    authsvc_json_t *header, *claims;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "inspect needs one token, or - to read it from the "
                                        "standard input");
    }
    token = read_token(ctl, APR_ARRAY_IDX(operands, 0, const char *));
    if (!token) {
        return authsvc_ctl_failed(ctl, "the input is no token: it has a NUL");
    }
    at = token;
    header = segment(ctl, &at, &why);
    if (!header) {
        return authsvc_ctl_failed(ctl, "the header cannot be read: %s", why);
    }
    fprintf(ctl->out, "header: %s\n", authsvc_json_dump(ctl->pool, header));
    claims = segment(ctl, &at, &why);
    if (!claims) {
        return authsvc_ctl_failed(ctl, "the claims cannot be read: %s", why);
    }
    fprintf(ctl->out, "claims: %s\n", authsvc_json_dump(ctl->pool, claims));
    print_time(ctl, claims, "iat");
    print_time(ctl, claims, "nbf");
    print_time(ctl, claims, "exp");
    if (!key_path) {
        fputs("The signature was not checked (no --key).\n", ctl->out);
        return CTL_OK;
    }
    return check(ctl, key_path, token, header, claims);
}

int authsvc_ctl_token(ctl_t *ctl, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "inspect") == 0) {
        return inspect(ctl, argc - 1, argv + 1);
    }
    return authsvc_ctl_misused(ctl, "say what to do: inspect");
}
