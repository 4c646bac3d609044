/* get - see get.h */
#include "actors/fetcher/get.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <curl/curl.h>

enum { GET_PIECE = 256 * 1024 };

static int64_t get_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int get_end_with(struct get *g, enum get_end end, const char *reason)
{
    g->end = end;
    snprintf(g->reason, sizeof(g->reason), "%s", reason);
    return 1;
}

/* ---- what curl calls */

static curl_socket_t get_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct get *g = ctx;
    char text[NI_MAXHOST] = "?";
    const char *what = guard_refuses(g->guard, &address->addr, address->addrlen);

    if (!what)
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    g->denied++;
    getnameinfo(&address->addr, address->addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
    snprintf(g->denied_at, sizeof(g->denied_at), "%.60s (%s)", text, what);
    return CURL_SOCKET_BAD;
}

static size_t get_header(char *line, size_t size, size_t n, void *ctx)
{
    struct get *g = ctx;

    if (answer_line(&g->answer, line, size * n) == 0)
        return size * n;
    get_end_with(g, GET_REFUSED, "The header of the server's answer is not as it should be.");
    return 0;
}

static int get_begin(struct get *g)
{
    int r = g->has_begun ? 0 : g->began(g->ctx, &g->answer);

    g->has_begun = true;
    return r;
}

/* What a callback answered; the time that it took since `at` is not the server's. */
static bool get_goes_on(struct get *g, int r, int64_t at)
{
    g->away_ms += get_clock(CLOCK_MONOTONIC) - at;
    if (r)
        g->end = GET_STOPPED;
    return !r;
}

static size_t get_write(char *data, size_t size, size_t n, void *ctx)
{
    struct get *g = ctx;
    int64_t at = get_clock(CLOCK_MONOTONIC);
    int r = get_begin(g);

    if (r == 0)
        r = g->piece(g->ctx, data, size * n);
    return get_goes_on(g, r, at) ? size * n : size * n + 1; /* anything else than what was given ends it */
}

static int get_progress(void *ctx, curl_off_t total, curl_off_t got, curl_off_t upload_total, curl_off_t uploaded)
{
    struct get *g = ctx;
    int64_t now = get_clock(CLOCK_MONOTONIC);

    if (g->has_begun && !get_goes_on(g, g->moment(g->ctx), now))
        return 1;
    now = get_clock(CLOCK_MONOTONIC) - g->away_ms;
    if (atomic_load(g->cancel))
        return get_end_with(g, GET_CANCELLED, "It was cancelled.");
    if (get_clock(CLOCK_REALTIME) >= g->until_ms)
        return get_end_with(g, GET_LATE, "It took too long.");
    if (got < g->window_from)
        g->window_from = 0;
    if (now - g->window_at_ms < (int64_t)g->slow_s * 1000)
        return 0;
    if ((uint64_t)(got - g->window_from) < g->slow_bytes * g->slow_s)
        return get_end_with(g, GET_SLOW, "The server sends too slowly.");
    g->window_at_ms = now;
    g->window_from = got;
    return 0;
}

/* ---- what it came to */

static const struct {
    CURLcode code;
    enum get_end end;
    const char *reason;
} get_ends[] = {
    { CURLE_COULDNT_RESOLVE_HOST, GET_UNREACHED, "Nobody knows where the server is: its name has no address." },
    { CURLE_COULDNT_CONNECT, GET_UNREACHED, "The server takes no connection." },
    { CURLE_OPERATION_TIMEDOUT, GET_UNREACHED, "The server takes no connection." },
    { CURLE_PARTIAL_FILE, GET_BROKEN, "The server broke the connection." },
    { CURLE_RECV_ERROR, GET_BROKEN, "The server broke the connection." },
    { CURLE_SEND_ERROR, GET_BROKEN, "The server broke the connection." },
    { CURLE_GOT_NOTHING, GET_BROKEN, "The server broke the connection without an answer." },
    { CURLE_SSL_CONNECT_ERROR, GET_BROKEN, "The server and we could not agree on how to encrypt." },
    { CURLE_TOO_MANY_REDIRECTS, GET_REFUSED, "The server sends from one address to another too often." },
    { CURLE_UNSUPPORTED_PROTOCOL, GET_REFUSED,
      "The server sends to an address that is neither http:// nor https://." },
    { CURLE_LOGIN_DENIED, GET_REFUSED, "The server sends to an address with a name or a password in it." },
    { CURLE_URL_MALFORMAT, GET_REFUSED, "The address is none." },
    { CURLE_PEER_FAILED_VERIFICATION, GET_REFUSED, "The server's certificate does not prove that it is the one." },
    { CURLE_SSL_CACERT_BADFILE, GET_UNREACHED,
      "No certificate can be checked: fetcher.ca_file names no file that can be read." },
    { CURLE_WEIRD_SERVER_REPLY, GET_REFUSED, "What answers there does not speak HTTP." },
};

static enum get_end get_ended(struct get *g, CURLcode code)
{
    if (g->end != GET_DONE) /* a callback has ended it */
        return g->end;
    if (code == CURLE_OK)
        return GET_DONE;
    if (g->denied && (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT)) {
        get_end_with(
            g, GET_REFUSED,
            "The address leads to no public server: private, local and reserved networks are not fetched from.");
        return g->end;
    }
    for (size_t i = 0; i < sizeof(get_ends) / sizeof(*get_ends); i++)
        if (get_ends[i].code == code) {
            get_end_with(g, get_ends[i].end, get_ends[i].reason);
            return g->end;
        }
    get_end_with(g, GET_BROKEN, curl_easy_strerror(code));
    return g->end;
}

static void get_options(CURL *curl, struct get *g)
{
    curl_easy_setopt(curl, CURLOPT_URL, g->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)g->redirects);
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kinobus");
    if (*g->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, g->ca_file);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)g->connect_s);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)GET_PIECE);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, get_open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, g);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, get_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, g);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, get_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, get_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, g);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* What is sent beside the address: of a file of which some is here, the rest, if it is the same one still. */
static struct curl_slist *get_headers(const struct get *g)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept-Encoding: identity");
    char line[ANSWER_TAG + 64];

    if (!g->validator)
        return list;
    snprintf(line, sizeof(line), "Range: bytes=%" PRIu64 "-", g->from);
    list = curl_slist_append(list, line);
    snprintf(line, sizeof(line), "If-Range: %s", g->validator);
    return curl_slist_append(list, line);
}

enum get_end get_run(struct get *g)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = get_headers(g);
    CURLcode code;

    g->answer = (struct answer) { .status = 0 };
    g->end = GET_DONE;
    g->has_begun = false;
    g->denied = 0;
    g->away_ms = g->window_from = 0;
    g->window_at_ms = get_clock(CLOCK_MONOTONIC);
    g->reason[0] = 0;
    if (!curl)
        return get_end_with(g, GET_UNREACHED, "There is no memory for it."), g->end;
    get_options(curl, g);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK && get_begin(g) != 0) /* an answer without a body */
        g->end = GET_STOPPED;
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return get_ended(g, code);
}
