/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <unistd.h>

#include "tries.h"

AUTHSVC_UNIT_SUITE(suite_torture);

char tries_directory[64];

static void remove_directory(void)
{
    DIR *directory = opendir(tries_directory);
    struct dirent *entry;
    char path[400];

    while (directory && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", tries_directory, entry->d_name);
            unlink(path);
        }
    }
    if (directory) {
        closedir(directory);
    }
    rmdir(tries_directory);
}

int main(void)
{
    static const unit_suite_t suites[] = {suite_torture};
    int status;

    /* Thousands of databases are written: in memory, if there is a place for that. */
    snprintf(tries_directory, sizeof(tries_directory), "/dev/shm/authsvc-torture-XXXXXX");
    if (!mkdtemp(tries_directory)) {
        snprintf(tries_directory, sizeof(tries_directory), "/tmp/authsvc-torture-XXXXXX");
        if (!mkdtemp(tries_directory)) {
            perror(tries_directory);
            return EXIT_FAILURE;
        }
    }
    status = authsvc_unit_main(suites, 1);
    remove_directory();
    return status;
}
