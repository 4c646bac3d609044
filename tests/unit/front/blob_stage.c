/* blob_stage - see blob_stage.h */
#include "tests/unit/front/blob_stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "gen/catalog.h"
#include "web/front/hub.h"
#include "web/front/keyring.h"
#include "web/front/server.h"
#include "web/front/uploads.h"

#define SECRETS 2

struct front_settings settings;
struct front front;
static uint8_t secrets[SECRETS][BLOB_RIGHT_KEY_SIZE];

/* ---- a front */

static unsigned free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* As the catalog publishes them. */
static void tell_keys(void)
{
    struct blob_key keys[SECRETS];
    struct blob_keys value = { .keys = keys, .keys_n = SECRETS };
    struct buf packed = { 0 };

    for (unsigned i = 0; i < SECRETS; i++) {
        randombytes_buf(secrets[i], sizeof(secrets[i]));
        keys[i] = (struct blob_key) { .kid = i + 1, .key = bytes_of(secrets[i], sizeof(secrets[i])) };
    }
    assert_int_equal(blob_keys_pack(&value, &packed), 0);
    keyring_value(front.keyring, "catalog.blob_keys", "", buf_bytes(&packed));
    buf_free(&packed);
}

int start_front(void **state)
{
    char error[256] = "";

    log_set_level(LOG_AT_ERROR);
    settings = (struct front_settings) { .address = "127.0.0.1",
                                         .port = free_port(),
                                         .threads = 24,
                                         .blobs = 16,
                                         .blob_mib = 4,
                                         .blob_s = PATIENCE_S };
    front.settings = &settings;
    front.web_dir = -1;
    front.hub = hub_new();
    front.uploads = uploads_new(1, 1000);
    front.keyring = keyring_new();
    tell_keys();
    if (server_start(&front, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    return 0;
}

int stop_front(void **state)
{
    server_stop(&front, 5000);
    hub_free(&front.hub);
    uploads_free(&front.uploads);
    keyring_free(&front.keyring);
    return 0;
}

/* ---- a handle of the backend */

const char *right_of(char to[static BLOB_RIGHT_SIZE], unsigned kid, enum blob_right_may may, const char *folder,
                     int64_t expires_s)
{
    struct blob_right right = { .kid = kid, .may = may, .expires_s = expires_s };

    assert_true(blob_right_mint(&right, folder, secrets[kid - 1], to));
    return to;
}

int64_t soon(void)
{
    return front_now() / 1000 + 600;
}

struct blobs *open_http(unsigned patience_ms)
{
    char url[64];
    struct blobs_http_options how = {
        .url = url, .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .patience_ms = patience_ms, .ahead = 1 << 20
    };
    struct blobs *blobs = NULL;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)settings.port);
    assert_int_equal(blobs_http_open(&how, &blobs), 0);
    return blobs;
}

struct blobs *http_another(struct conform *c)
{
    static const char *const folders[] = { "media/v/", "raw/v/" };
    struct blobs *blobs = open_http(PATIENCE_MS);
    char right[BLOB_RIGHT_SIZE];

    for (unsigned i = 0; i < 2; i++) {
        right_of(right, i + 1, BLOB_RIGHT_READ, folders[i], soon());
        assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, folders[i], right), 0);
        right_of(right, i + 1, BLOB_RIGHT_PUT_NEW, folders[i], soon());
        assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_PUT_NEW, folders[i], right), 0);
    }
    return blobs;
}

int http_setup(void **state)
{
    struct conform *c = calloc(1, sizeof(*c));

    if (make_folder(&c->folder) < 0)
        return -1;
    front.blobs = c->there = c->folder.blobs;
    c->offers = CONFORM_SEES_GROWING | CONFORM_ONE_WINS;
    c->blobs = http_another(c);
    *state = c;
    return 0;
}

int http_teardown(void **state)
{
    struct conform *c = *state;

    blobs_close(&c->blobs);
    remove_folder(&c->folder);
    free(c);
    return 0;
}

/* ---- requests made by hand */

int dial(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)settings.port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

struct answer hear(int fd)
{
    struct answer a = { 0 };
    size_t len = 0;
    ssize_t n;

    while (len < sizeof(a.text) - 1 && (n = read(fd, a.text + len, sizeof(a.text) - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    sscanf(a.text, "HTTP/1.1 %d", &a.status);
    return a;
}

struct answer ask(const char *method, const char *right, const char *name, const char *headers, const char *body)
{
    char text[4096];
    int fd = dial(), n;

    n = snprintf(text, sizeof(text), "%s /blobs/%s/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n%s",
                 method, right, name, headers, body);
    assert_int_equal(write(fd, text, (size_t)n), n);
    return hear(fd);
}

int get(const char *right, const char *name)
{
    return ask("GET", right, name, "", "").status;
}

/* With the hash and the length of what is put. */
int put(const char *right, const char *name, const char *body)
{
    char headers[256], hex[2 * BLOB_HASH_SIZE + 1];
    uint8_t hash[BLOB_HASH_SIZE];

    crypto_generichash(hash, sizeof(hash), (const uint8_t *)body, strlen(body), NULL, 0);
    snprintf(headers, sizeof(headers), "Content-Length: %zu\r\nBlob-Hash: %s\r\n", strlen(body),
             sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
    return ask("PUT", right, name, headers, body).status;
}
