/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authsvc/core/log.h"

#define LINE_MAX_OCTETS 2048

static const char cut_mark[] = "...";

/* Escape text into line, which is already used octets long and has room for LINE_MAX_OCTETS. */
static void append_escaped(char *line, size_t used, const char *text, int cut)
{
    static const char digits[] = "0123456789abcdef";
    const size_t room = LINE_MAX_OCTETS - (sizeof(cut_mark) - 1);
    const unsigned char *in = (const unsigned char *)text;

    for (; *in; in++) {
        /* The escape's own backslash too: "\x0a" as sent must not look like a line feed. */
        int plain = *in >= 0x20 && *in < 0x7f && *in != '\\';
        size_t need = plain ? 1 : 4;

        if (used + need > room) {
            cut = 1;
            break;
        }
        if (plain) {
            line[used] = (char)*in;
        } else {
            line[used] = '\\';
            line[used + 1] = 'x';
            line[used + 2] = digits[*in >> 4];
            line[used + 3] = digits[*in & 0x0f];
        }
        used += need;
    }
    if (cut) {
        memcpy(line + used, cut_mark, sizeof(cut_mark) - 1);
        used += sizeof(cut_mark) - 1;
    }
    line[used] = '\0';
}

void authsvc_log(const authsvc_log_t *log, authsvc_log_level_t level, const char *id,
                 const char *format, ...)
{
    char text[LINE_MAX_OCTETS], line[LINE_MAX_OCTETS + 1];
    va_list args;
    int wanted, used;

    if (!log || !log->write) {
        return;
    }
    va_start(args, format);
    wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (wanted < 0) {
        text[0] = '\0';
    }
    used = snprintf(line, 64, "%.32s: ", id);
    append_escaped(line, (size_t)used, text, wanted < 0 || (size_t)wanted >= sizeof(text));
    log->write(log->baton, level, line);
}
