/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD into httpd: each Argon2 computation adds a line with the number of its process to
 * the file that AUTHSVC_HASHES names. test_basic.py builds it, with -D_GNU_SOURCE.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void count(void)
{
    char line[32];
    const char *path = getenv("AUTHSVC_HASHES");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    int len = snprintf(line, sizeof(line), "%ld\n", (long)getpid());

    if (file < 0 || write(file, line, (size_t)len) != len) {
        abort();
    }
    close(file);
}

int crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd,
                  unsigned long long passwdlen, const unsigned char *salt,
                  unsigned long long opslimit, size_t memlimit, int alg);
int crypto_pwhash(unsigned char *out, unsigned long long outlen, const char *passwd,
                  unsigned long long passwdlen, const unsigned char *salt,
                  unsigned long long opslimit, size_t memlimit, int alg)
{
    int (*real)(unsigned char *, unsigned long long, const char *, unsigned long long,
                const unsigned char *, unsigned long long, size_t, int);

    *(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash");
    count();
    return real(out, outlen, passwd, passwdlen, salt, opslimit, memlimit, alg);
}

/* The library's own crypto_pwhash_str() does not come by here a second time. */
int crypto_pwhash_str(char *out, const char *passwd, unsigned long long passwdlen,
                      unsigned long long opslimit, size_t memlimit);
int crypto_pwhash_str(char *out, const char *passwd, unsigned long long passwdlen,
                      unsigned long long opslimit, size_t memlimit)
{
    int (*real)(char *, const char *, unsigned long long, unsigned long long, size_t);

    *(void **)&real = dlsym(RTLD_NEXT, "crypto_pwhash_str");
    count();
    return real(out, passwd, passwdlen, opslimit, memlimit);
}
