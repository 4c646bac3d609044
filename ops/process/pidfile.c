#include "ops/process/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned long long pidfile_starttime(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* The program's name stands in brackets and may hold anything: count fields from the last one. */
    char *at = strrchr(text, ')');
    if (!at || (at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X')))
        return 0;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

int pidfile_write(int dir, const char *name, const struct pidfile *file)
{
    char text[96], temporary[80], final[80];
    int len = snprintf(text, sizeof(text), "%d %llu %u\n", (int)file->pid, file->starttime, file->restarts);
    snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    snprintf(final, sizeof(final), "%s.pid", name);
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    ssize_t wrote = write(fd, text, (size_t)len);
    int saved = errno;
    close(fd);
    if (wrote != len) {
        unlinkat(dir, temporary, 0);
        errno = wrote < 0 ? saved : ENOSPC;
        return -1;
    }
    return renameat(dir, temporary, dir, final);
}

bool pidfile_read(int dir, const char *name, struct pidfile *ret)
{
    char path[80], text[96];
    int pid;
    *ret = (struct pidfile) { 0 };
    snprintf(path, sizeof(path), "%s.pid", name);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    if (sscanf(text, "%d %llu %u", &pid, &ret->starttime, &ret->restarts) != 3 || pid <= 0)
        return false;
    ret->pid = pid;
    return ret->starttime && pidfile_starttime(pid) == ret->starttime;
}

void pidfile_remove(int dir, const char *name)
{
    char path[80];
    snprintf(path, sizeof(path), "%s.pid", name);
    unlinkat(dir, path, 0);
}
