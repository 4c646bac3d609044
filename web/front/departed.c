/* departed - see departed.h */
#include "web/front/departed.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Ports decide: two connections of one client to one port of ours have different ones at its end. */
static bool departed_is(int fd, const struct mg_request_info *request)
{
    struct sockaddr_in here, there;
    socklen_t here_len = sizeof(here), there_len = sizeof(there);
    char text[INET_ADDRSTRLEN];

    if (getpeername(fd, (struct sockaddr *)&there, &there_len) < 0 || there.sin_family != AF_INET ||
        getsockname(fd, (struct sockaddr *)&here, &here_len) < 0)
        return false;
    return ntohs(there.sin_port) == request->remote_port && ntohs(here.sin_port) == request->server_port &&
           inet_ntop(AF_INET, &there.sin_addr, text, sizeof(text)) && strcmp(text, request->remote_addr) == 0;
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

bool departed(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLRDHUP };

    return fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}
