/* departed - see departed.h */
#include "web/front/departed.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of either family; 0: neither. */
static uint16_t departed_port(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
    return a->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)a)->sin_port) : 0;
}

static bool departed_address(const struct sockaddr_storage *a, const char *wanted)
{
    char text[INET6_ADDRSTRLEN];
    const void *from = a->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr
                                                : (const void *)&((const struct sockaddr_in *)a)->sin_addr;

    return inet_ntop(a->ss_family, from, text, sizeof(text)) && strcmp(text, wanted) == 0;
}

/* Ports decide: two connections of one client to one port of ours have different ones at its end. */
static bool departed_is(int fd, const struct mg_request_info *request)
{
    struct sockaddr_storage here, there;
    socklen_t here_len = sizeof(here), there_len = sizeof(there);

    if (getpeername(fd, (struct sockaddr *)&there, &there_len) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &here_len) < 0)
        return false;
    return departed_port(&there) == request->remote_port && departed_port(&here) == request->server_port &&
           departed_port(&here) != 0 && departed_address(&there, request->remote_addr);
}

int departed_find(const struct mg_request_info *request)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;

    while (dir && found < 0 && (entry = readdir(dir)) != NULL) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);

        if (end != entry->d_name && *end == '\0' && departed_is((int)fd, request))
            found = (int)fd;
    }
    if (dir)
        closedir(dir);
    return found;
}
