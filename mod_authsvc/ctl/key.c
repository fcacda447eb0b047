/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "authsvc/core/units.h"
#include "authsvc/crypto/keys.h"
#include "key.h"

static void print_key(ctl_t *ctl, const authsvc_key_t *key)
{
    fprintf(ctl->out, "kid: %s\nalg: %s\n", authsvc_key_id(key), authsvc_key_algorithm(key));
}

int authsvc_ctl_key_kind_check(ctl_t *ctl, ctl_key_kind_t *kind)
{
    if (kind->alg && strcmp(kind->alg, "RS256") != 0 && strcmp(kind->alg, "ES256") != 0 &&
        strcmp(kind->alg, "EdDSA") != 0) {
        return authsvc_ctl_misused(ctl, "--alg must be RS256, ES256 or EdDSA");
    }
    if (kind->bits_text && (!kind->alg || strcmp(kind->alg, "RS256") != 0)) {
        return authsvc_ctl_misused(ctl, "--bits is for RS256 only");
    }
    if (kind->bits_text && !authsvc_integer_parse(kind->bits_text, 2048, 8192, &kind->bits)) {
        return authsvc_ctl_misused(ctl, "--bits must be 2048 to 8192");
    }
    return CTL_OK;
}

static int generate(ctl_t *ctl, int argc, char **argv)
{
    ctl_key_kind_t kind = {0};
    const char *pem = NULL, *path;
    const ctl_option_t options[] = {CTL_KEY_OPTIONS(kind), {0}};
    apr_array_header_t *operands;
    authsvc_key_t *key;
    authsvc_error_t *err;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (!kind.alg || operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "generate needs --alg RS256, ES256 or EdDSA, and one file");
    }
    if (authsvc_ctl_key_kind_check(ctl, &kind) != CTL_OK) {
        return CTL_USAGE;
    }
    path = APR_ARRAY_IDX(operands, 0, const char *);
    err = authsvc_key_generate(ctl->pool, kind.alg, (int)kind.bits, &pem);
    if (!err) {
        err = authsvc_key_from_pem(ctl->pool, path, pem, strlen(pem), 1, &key);
    }
    if (!err) {
        err = authsvc_ctl_file_create(ctl->pool, path, pem);
    }
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    print_key(ctl, key);
    return CTL_OK;
}

static int show(ctl_t *ctl, int argc, char **argv)
{
    const ctl_option_t options[] = {{0}};
    apr_array_header_t *operands;
    authsvc_key_t *key;
    authsvc_error_t *err;

    if (authsvc_ctl_options(ctl, argc, argv, options, &operands) != CTL_OK) {
        return CTL_USAGE;
    }
    if (operands->nelts != 1) {
        return authsvc_ctl_misused(ctl, "show needs one file");
    }
    err = authsvc_key_load(ctl->pool, APR_ARRAY_IDX(operands, 0, const char *), 0, NULL, &key);
    if (err) {
        return authsvc_ctl_report(ctl, err);
    }
    print_key(ctl, key);
    fprintf(ctl->out, "%s\n",
            authsvc_json_dump(ctl->pool, authsvc_key_jwk(key, ctl->pool)));
    return CTL_OK;
}

int authsvc_ctl_key(ctl_t *ctl, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "generate") == 0) {
        return generate(ctl, argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "show") == 0) {
        return show(ctl, argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "rotate") == 0) {
        return authsvc_ctl_key_rotate(ctl, argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        return authsvc_ctl_key_list(ctl, argc - 1, argv + 1);
    }
    return authsvc_ctl_misused(ctl, "say what to do: generate, list, rotate or show");
}
