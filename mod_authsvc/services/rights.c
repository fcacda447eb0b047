/* SPDX-License-Identifier: Apache-2.0 */
#include "authsvc/services/rights.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *value;
} claim_t;

#define CLAIMS 8

static void list_claims(const authsvc_claims_t *claims, claim_t list[CLAIMS])
{
    const claim_t all[CLAIMS] = {
        {"sub", claims->subject},
        {"email", claims->email},
        {"email_verified", claims->email_verified ? "true" : "false"},
        {"name", claims->name},
        {"role", claims->role},
        {"sid", claims->session_id},
        {"iss", claims->issuer},
        {"aud", claims->audience},
    };
    memcpy(list, all, sizeof(all));
}

/* @return NULL if text names none; *wanted is what is behind the colon */
static const claim_t *find_claim(const claim_t list[CLAIMS], const char *text,
                                 const char **wanted)
{
    const char *colon = strchr(text, ':');
    for (int i = 0; colon && i < CLAIMS; i++) {
        size_t len = strlen(list[i].name);
        if (len == (size_t)(colon - text) && memcmp(text, list[i].name, len) == 0) {
            *wanted = colon + 1;
            return &list[i];
        }
    }
    return NULL;
}

int authsvc_rights_names_claim(const char *text)
{
    const authsvc_claims_t none = {0};
    claim_t list[CLAIMS];
    const char *wanted;
    list_claims(&none, list);
    return find_claim(list, text, &wanted) != NULL;
}

int authsvc_rights_has_claim(const authsvc_claims_t *claims, const char *text)
{
    claim_t list[CLAIMS];
    const char *wanted = NULL;
    list_claims(claims, list);
    const claim_t *claim = find_claim(list, text, &wanted);
    return claim && claim->value && strcmp(claim->value, wanted) == 0;
}
