/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer.
 *
 *   fuzz_<name>               the files in tests/fuzz/corpus/<name>, each in a process of its own
 *   fuzz_<name> FILE          that file, in this process (for a debugger)
 *   fuzz_<name> PATH PATH...  these files and directories' files, each in a process of its own
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_EACH 120 /* whatever takes longer, on a busy machine and instrumented, hangs */

static int replayed, failed;

static void give_up(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *data;
    size_t size;

    if (!file || fstat(fileno(file), &status) != 0) {
        give_up("cannot be read", path);
    }
    size = (size_t)status.st_size;
    data = malloc(size > 0 ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        give_up("cannot be read", path);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static void replay_file(const char *path)
{
    pid_t child;
    int status = 0;

    fflush(NULL);
    child = fork();
    if (child < 0) {
        give_up("fork", path);
    }
    if (child == 0) {
        alarm(SECONDS_EACH);
        run_file(path);
        exit(EXIT_SUCCESS);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    replayed++;
    if (status != 0) {
        failed++;
        fprintf(stderr, "FAILED: %s (%s %d)\n", path,
                WIFSIGNALED(status) ? "signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
    struct stat status;
    struct dirent **entries;
    int count, i;

    if (stat(path, &status) != 0) {
        give_up("is not there", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path);
        return;
    }
    count = scandir(path, &entries, visible, alphasort);
    if (count < 0) {
        give_up("cannot be listed", path);
    }
    for (i = 0; i < count; i++) {
        char name[4096];

        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        replay(name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/'), *source = getenv("srcdir");
    char path[4096];
    int i;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0); /* makes what is made once, before any fork */
    if (argc == 2) {
        struct stat status;

        if (stat(argv[1], &status) == 0 && !S_ISDIR(status.st_mode)) {
            run_file(argv[1]);
            printf("%s: passed\n", argv[1]);
            return EXIT_SUCCESS;
        }
    }
    for (i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    if (argc < 2) {
        name = name ? name + 1 : argv[0];
        name += strncmp(name, "lt-", 3) == 0 ? 3 : 0;
        name += strncmp(name, "fuzz_", 5) == 0 ? 5 : 0;
        snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
        replay(path);
    }
    printf("%d inputs replayed, %d failed\n", replayed, failed);
    return replayed > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
