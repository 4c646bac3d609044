#include "ops/supervisor/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

static void secret_hex(const unsigned char *bytes, size_t n, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
}

int secret_make(int keys, const char *role)
{
    unsigned char bytes[SECRET_LEN / 2];
    char text[SECRET_LEN], temporary[80];
    if (faccessat(keys, role, F_OK, 0) == 0)
        return 0;
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -1;
    secret_hex(bytes, sizeof(bytes), text);
    snprintf(temporary, sizeof(temporary), ".%s.new", role);
    int fd = openat(keys, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    /* A torn secret would lock the role out for ever: synced before it gets its name. */
    int bad = write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) || fsync(fd) < 0;
    int saved = bad ? errno : 0;
    close(fd);
    if (bad || renameat(keys, temporary, keys, role) < 0) {
        saved = saved ? saved : errno;
        unlinkat(keys, temporary, 0);
        errno = saved ? saved : EIO;
        return -1;
    }
    return fsync(keys);
}

int secret_open(int keys, const char *role)
{
    return openat(keys, role, O_RDONLY);
}
