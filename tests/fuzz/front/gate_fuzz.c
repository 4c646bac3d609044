/* What the gate lets through can be read in one way only: one Host, framing by digits alone, a path without
 * tricks. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/fuzz/front/civet.h"
#include "web/front/http/gate.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static unsigned count(const char *raw, const char *name)
{
    size_t len = strlen(name);
    unsigned n = 0;

    for (const char *line = raw; (line = strstr(line, "\r\n")) != NULL && strncmp(line, "\r\n\r\n", 4) != 0;) {
        line += 2;
        n += strncasecmp(line, name, len) == 0 && line[len] == ':';
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[GATE_REQUEST_MAX + 8], raw[GATE_REQUEST_MAX + 8];
    struct mg_request_info request;
    struct gate_facts facts;
    const char *reason = NULL;
    char *line;
    int head;

    if (size > GATE_REQUEST_MAX)
        return 0;
    memset(text, 0, sizeof(text));
    memset(raw, 0, sizeof(raw));
    memcpy(text, data, size);
    head = civet_parse(text, size, &request);
    if (head <= 0)
        return 0;
    memcpy(raw, data, (size_t)head);
    /* Of the two bytes behind the version only that they were white space is known to the gate. */
    line = strpbrk(raw, "\r\n");
    must(line != NULL);
    if (strchr("\r\n ", line[1]))
        memcpy(line, "\r\n", 2);
    if (gate_check(&request, &facts, &reason) < 0) {
        must(reason != NULL && *reason);
        return 0;
    }
    /* The other weak spot of gate.h: only the body tells how the head ended. */
    if (strncmp(raw + head - 2, "\n\n", 2) == 0 && (size_t)head < size && data[head] == '\r' &&
        ((size_t)head + 1 == size || !data[head + 1]))
        return 0;
    must(count(raw, "Host") == 1 && count(raw, "Content-Length") <= 1 && count(raw, "Transfer-Encoding") == 0);
    must(strncmp(raw + head - 4, "\r\n\r\n", 4) == 0 && !strstr(raw, "\r\n "));
    for (int i = 0; i < head; i++)
        must(raw[i] != '\n' || (i > 0 && raw[i - 1] == '\r'));
    must(facts.path[0] == '/' && !strstr(facts.path, "/../") && !strstr(facts.path, "//"));
    must(!strchr(facts.path, '\\') && facts.length >= -1 && facts.length <= INT64_C(999999999999));
    return 0;
}
