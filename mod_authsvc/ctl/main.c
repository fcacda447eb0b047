/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "authsvc/core/json.h"
#include "authsvc/crypto/crypto.h"
#include "config.h"

typedef struct {
    const char *name;
    int (*run)(ctl_t *ctl, int argc, char **argv);
    const char *summary;
    const char *usage;
} command_t;

static const command_t commands[] = {
    {"calibrate", authsvc_ctl_calibrate, "find out what hashing passwords may cost here",
     "authsvcctl calibrate [--time TIME] [--memory-max SIZE] [--slots N]\n"
     "    Measure Argon2id on this machine, and print the AuthSvcPasswordCost line of the dearest\n"
     "    cost that takes at most TIME: as much memory as that allows, then more passes, and\n"
     "    never less than OWASP's minimum (19 MiB, 2 passes). Also how many logins a second that\n"
     "    gives.\n"
     "    Run it where httpd runs, while the machine does as much else as it usually does.\n"
     "    --time TIME        of one hash, 10ms to 60s (default: 250ms)\n"
     "    --memory-max SIZE  of one hash, 19M to 4G (default: a quarter of the machine's memory\n"
     "                       for all slots together, at most 1G)\n"
     "    --slots N          AuthSvcHashSlots (default: as httpd's, the CPUs that it may use)\n"},
    {"check", authsvc_ctl_check, "look whether a site has what it needs",
     "authsvcctl check --config HTTPD_CONF [--vhost NAME[:PORT]] [--httpd PROGRAM]\n"
     "    Look at each server of the configuration that has \"AuthSvc On\", as PROGRAM reads it:\n"
     "    its keys and secrets, who may touch them, whether a key follows the one that signs,\n"
     "    its database, the schema and the settings of httpd's role there. Prints a line for each\n"
     "    finding. Run it as root; it looks at the database as the user that httpd runs as.\n"
     "    Exit status: 0 all is well, 1 errors, 3 warnings only.\n"},
    {"key", authsvc_ctl_key, "make, rotate and show the keys that sign access tokens",
     "authsvcctl key generate --alg RS256|ES256|EdDSA [--bits N] FILE\n"
     "    Make a private key in a new file (PKCS #8, mode 0600), for AuthSvcSigningKey.\n"
     "    --bits N   length of an RS256 key, 2048 to 8192 (default: 2048)\n"
     "authsvcctl key show FILE\n"
     "    Show the key id, the algorithm and the public JWK of a key, private or public.\n"
     "authsvcctl key rotate [--every TIME] [--publish TIME] [--keep TIME] [--alg A] [--bits N]\n"
     "                      DIR\n"
     "    See to it that the directory (AuthSvcKeyDirectory) holds a key that signs, and the one\n"
     "    that follows it; remove those that are retired. If all is there, nothing is done. Run\n"
     "    it daily, as root, and reload httpd after it.\n"
     "    --every TIME     how long each key signs (default: 30d)\n"
     "    --publish TIME   how long it is published before (default: 24h)\n"
     "    --keep TIME      how long it is kept after: AuthSvcAccessTokenLifetime and a minute at\n"
     "                     least (default: 25h, which is always enough)\n"
     "    --alg A          of new keys (default: as the newest; RS256 in an empty directory)\n"
     "authsvcctl key list [--json] DIR\n"
     "    Show each key of a directory, what it does at present, and its times.\n"},
    {"migrate", authsvc_ctl_migrate, "bring the database's schema up or down",
     "authsvcctl migrate up [--to N] [--grant ROLE] DATABASE\n"
     "    Apply the migrations that are missing (up to number N). On SQLite the file is made if\n"
     "    there is none.\n"
     "    --grant ROLE   let the PostgreSQL role that httpd connects as read and write rows\n"
     "authsvcctl migrate down [--to N] [--yes] DATABASE\n"
     "    Take down the newest migration, or all above number N; 0 leaves nothing.\n"
     "    --yes          also if rows are lost with it\n"
     "authsvcctl migrate status DATABASE\n"
     "    Show each migration, and whether it is applied.\n"
     "DATABASE is one of\n"
     "    --dsn 'pgsql:host=/run/postgresql dbname=accounts'\n"
     "    --dsn sqlite3:/var/lib/authsvc/accounts.db\n"
     "    --config HTTPD_CONF [--vhost NAME[:PORT]] [--httpd PROGRAM]\n"
     "                   the one of that configuration's server, as PROGRAM reads it (default:\n"
     "                   " AUTHSVC_HTTPD ")\n"},
    {"secret", authsvc_ctl_secret, "make and rotate the secrets that protect refresh tokens",
     "authsvcctl secret generate [--number N] FILE\n"
     "    Make a new file (mode 0600) with one secret, for AuthSvcSecretFile.\n"
     "    --number N   its number, 1 to 255 (default: 1)\n"
     "authsvcctl secret append FILE\n"
     "    Add a new secret with the next free number: accepted, not yet used.\n"
     "authsvcctl secret promote FILE\n"
     "    Move the last secret to the front: it makes all new tokens.\n"
     "authsvcctl secret remove --number N FILE\n"
     "    Take a secret out: tokens made with it are no longer accepted.\n"
     "authsvcctl secret list FILE\n"
     "    Show the numbers and fingerprints, the current one first.\n"
     "To rotate: append on every node and reload, then promote, then remove the old one when\n"
     "its tokens have expired.\n"},
    {"token", authsvc_ctl_token, "look into an access token",
     "authsvcctl token inspect [--key FILE] TOKEN\n"
     "    Show the decoded header and claims; with - in place of TOKEN, read it from the\n"
     "    standard input.\n"
     "    --key FILE   also check the signature with this key, private or public: by this\n"
     "                 module's own code, and by libjwt as a second opinion (RS256, ES256).\n"
     "                 Exit status 1 if either refuses it.\n"},
    {"user", authsvc_ctl_user, "make accounts, list them, set their roles, end pauses",
     "authsvcctl user create --email ADDRESS --name NAME [--role user|admin] DATABASE\n"
     "    Make an account by the site's rules for passwords and names (the default ones with\n"
     "    --dsn). The password is asked for on a terminal, or else read from the standard input.\n"
     "authsvcctl user set --role user|admin USER DATABASE\n"
     "    Set the role of a user, given by email address or id. The last active admin keeps it.\n"
     "authsvcctl user list [--role user|admin] DATABASE\n"
     "authsvcctl user show [--secret-file FILE] USER DATABASE\n"
     "    Show all users, or one. With --json each is a line of JSON, here and above.\n"
     "authsvcctl user unlock [--secret-file FILE] USER DATABASE\n"
     "    Forget a user's login failures, and so end the pauses that they began; show lists them.\n"
     "    Both find them by AuthSvcSecretFile's secrets: --config knows the file, --dsn does not.\n"
     "DATABASE is as for authsvcctl migrate.\n"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void complain(ctl_t *ctl, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void complain(ctl_t *ctl, const char *format, va_list args)
{
    fprintf(ctl->err, "authsvcctl%s%s: ", ctl->command ? " " : "",
            ctl->command ? ctl->command : "");
    vfprintf(ctl->err, format, args);
    fputc('\n', ctl->err);
}

int authsvc_ctl_misused(ctl_t *ctl, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(ctl, format, args);
    va_end(args);
    fprintf(ctl->err, "See authsvcctl%s%s --help.\n", ctl->command ? " " : "",
            ctl->command ? ctl->command : "");
    return CTL_USAGE;
}

int authsvc_ctl_failed(ctl_t *ctl, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(ctl, format, args);
    va_end(args);
    return CTL_FAILED;
}

int authsvc_ctl_report(ctl_t *ctl, const authsvc_error_t *err)
{
    /* The detail is written for the admin; only a fault of ours shows its inside. */
    return authsvc_ctl_failed(ctl, "%s",
                              err->detail ? err->detail : authsvc_error_describe(err, ctl->pool));
}

static const ctl_option_t *find_option(const ctl_option_t *options, const char *name, size_t len)
{
    for (; options->name; options++) {
        if (strlen(options->name) == len && strncmp(options->name, name, len) == 0) {
            return options;
        }
    }
    return NULL;
}

/* @return how many of argv it took, 0 after a message */
static int take_option(ctl_t *ctl, int argc, char **argv, const ctl_option_t *options)
{
    const char *name = argv[0] + 2, *value = strchr(name, '=');
    int len = (int)(value ? (size_t)(value - name) : strlen(name));
    const ctl_option_t *option = find_option(options, name, (size_t)len);

    if (!option) {
        authsvc_ctl_misused(ctl, "there is no option --%.*s", len, name);
        return 0;
    }
    if ((option->value && *option->value) || (option->flag && *option->flag)) {
        authsvc_ctl_misused(ctl, "--%s is given twice", option->name);
        return 0;
    }
    if (option->flag) {
        if (value) {
            authsvc_ctl_misused(ctl, "--%s takes no argument", option->name);
            return 0;
        }
        *option->flag = 1;
        return 1;
    }
    if (value) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no flag has a value */
        *option->value = value + 1;
        return 1;
    }
    if (argc < 2) {
        authsvc_ctl_misused(ctl, "--%s needs an argument", option->name);
        return 0;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no flag has a value */
    *option->value = argv[1];
    return 2;
}

int authsvc_ctl_options(ctl_t *ctl, int argc, char **argv, const ctl_option_t *options,
                        apr_array_header_t **operands)
{
    int i = 1, ended = 0;

    *operands = apr_array_make(ctl->pool, 4, sizeof(const char *));
    while (i < argc) {
        if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            APR_ARRAY_PUSH(*operands, const char *) = argv[i++];
        } else if (strcmp(argv[i], "--") == 0) {
            ended = 1;
            i++;
        } else if (argv[i][1] != '-') {
            return authsvc_ctl_misused(ctl, "there is no option %s", argv[i]);
        } else {
            int taken = take_option(ctl, argc - i, argv + i, options);

            if (taken == 0) {
                return CTL_USAGE;
            }
            i += taken;
        }
    }
    return CTL_OK;
}

static void print_usage(FILE *to)
{
    size_t i;

    fprintf(to, "Usage: authsvcctl COMMAND ...\n\n");
    for (i = 0; i < COMMANDS; i++) {
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(to, "\n"
                "authsvcctl COMMAND --help tells more; authsvcctl --version names the version.\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static int asks_for_help(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return 1;
        }
    }
    return 0;
}

static int run(ctl_t *ctl, int argc, char **argv)
{
    authsvc_error_t *err;
    size_t i;

    if (argc < 2) {
        print_usage(ctl->err);
        return CTL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(ctl->out);
        return CTL_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        fprintf(ctl->out, "authsvcctl %s\n", PACKAGE_VERSION);
        return CTL_OK;
    }
    for (i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) {
            continue;
        }
        ctl->command = commands[i].name;
        if (asks_for_help(argc - 1, argv + 1)) {
            fputs(commands[i].usage, ctl->out);
            return CTL_OK;
        }
        authsvc_json_init();
        err = authsvc_crypto_init(ctl->pool);
        return err ? authsvc_ctl_report(ctl, err) : commands[i].run(ctl, argc - 1, argv + 1);
    }
    return authsvc_ctl_misused(ctl, "there is no command %s", argv[1]);
}

static void write_log(void *baton, authsvc_log_level_t level, const char *line)
{
    ctl_t *ctl = baton;

    if (level <= AUTHSVC_LOG_NOTICE) {
        fprintf(ctl->err, "%s\n", line);
    }
}

static int out_of_memory(int status)
{
    (void)status;
    fputs("authsvcctl: out of memory\n", stderr);
    exit(CTL_FAILED);
}

int main(int argc, char **argv)
{
    ctl_t ctl = {0};
    int status;

    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create_ex(&ctl.pool, NULL, out_of_memory, NULL) != APR_SUCCESS) {
        return out_of_memory(0);
    }
    ctl.out = stdout;
    ctl.err = stderr;
    ctl.log.write = write_log;
    ctl.log.baton = &ctl;
    status = run(&ctl, argc, argv);
    /* A full disk or a closed pipe must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("authsvcctl: the output could not be written\n", stderr);
        status = status == CTL_OK ? CTL_FAILED : status;
    }
    apr_terminate();
    return status;
}
