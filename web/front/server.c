/* server - see server.h */
#include "web/front/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "actors/runtime/log.h"
#include "gen/errors.h"
#include "web/front/cors.h"
#include "web/front/door.h"
#include "web/front/exchange.h"
#include "web/front/http/problem.h"
#include "web/front/http/random.h"
#include "web/front/hub.h"
#include "web/front/identity.h"
#include "web/front/router.h"
#include "web/front/uploads.h"

#define SERVER_QUEUE    128 /* connections let in and not taken up by a worker yet */
#define SERVER_FILES    (64 + HUB_LISTENERS + DOOR_LINGERING) /* descriptors for everything else */
#define SERVER_START_MS 5000                                  /* for as many threads to begin */

/* ---- one request */

static struct exchange *server_begin(struct front *front, struct mg_connection *conn,
                                     const struct mg_request_info *request)
{
    struct exchange *x = calloc(1, sizeof(*x));
    uint8_t random[10];

    if (!x)
        abort();
    x->front = front;
    x->conn = conn;
    x->request = request;
    x->method = request->request_method;
    x->arena = arena_new();
    x->began_ms = front_monotonic();
    x->what = "-";
    random_bytes(random, sizeof(random));
    id_format("req", id_make(front_now(), random), x->request_id);
    front_count(front, FRONT_REQUESTS, 1);
    front_count(front, FRONT_IN_FLIGHT, 1);
    return x;
}

static void server_log(struct exchange *x)
{
    char method[16], path[200], client[64], user[ID_TEXT_SIZE] = "-", trace[TRACE_TEXT_SIZE];

    if (x->who.known)
        id_format("user", x->who.user, user);
    log_line(x->status >= 500 ? LOG_AT_WARNING : LOG_AT_INFO, x->what,
             "req=%s method=%s path=%s status=%d err=%s sent=%" PRIu64 " took=%" PRId64
             "ms client=%s user=%s trace=%.32s",
             x->request_id, log_quote(x->request->request_method, method, sizeof(method)),
             log_quote(exchange_path(x), path, sizeof(path)), x->status, x->err ? err_slug(x->err) : "-", x->sent,
             front_monotonic() - x->began_ms, log_quote(x->client, client, sizeof(client)), user,
             trace_format(&x->trace, trace) + 3);
}

static int server_end(struct exchange **x_at)
{
    struct exchange *x = *x_at;
    int status = x->status ? x->status : 499;
    enum front_counter kind = status < 400   ? FRONT_ANSWERS_OK
                              : status < 500 ? FRONT_ANSWERS_REFUSED
                                             : FRONT_ANSWERS_FAILED;

    front_count(x->front, kind, 1);
    front_uncount(x->front, FRONT_IN_FLIGHT);
    exchange_flush(x);
    server_log(x);
    if (x->left > 0 || x->broken)
        mg_disable_connection_keep_alive(x->conn);
    buf_free(&x->headers);
    buf_free(&x->unsent);
    arena_free(&x->arena);
    free(x);
    *x_at = NULL;
    return status;
}

/* Everything comes by here; civetweb serves nothing by itself. */
static int server_request(struct mg_connection *conn)
{
    const struct mg_request_info *request = mg_get_request_info(conn);
    struct exchange *x = server_begin(request->user_data, conn, request);
    const char *reason = "";
    int r = gate_check(request, &x->facts, &reason);

    trace_begin(r == 0 ? gate_header(request, "Traceparent") : NULL, &x->trace);
    identity_client(x);
    if (r < 0) {
        x->what = "gate";
        x->hurried = true;
        if (!*x->facts.path)
            strcpy(x->facts.path, "/");
        front_count(x->front, FRONT_GATE_REFUSALS, 1);
        if (r == ERR_METHOD_NOT_ALLOWED)
            exchange_header(x, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        exchange_problem(x, r, "%s", reason);
        return server_end(&x);
    }
    x->left = x->facts.length > 0 ? (uint64_t)x->facts.length : 0;
    if (atomic_load(&x->front->draining))
        exchange_problem(x, ERR_UNAVAILABLE,
                         "This process is about to stop; another one will be there in a moment.");
    else if (!cors_begin(x))
        router_serve(x);
    if (!x->status && !x->broken)
        exchange_problem(x, ERR_INTERNAL, "Nothing answered this request.");
    return server_end(&x);
}

/* A whole answer for a connection that no request of is served. */
static void server_refusal(const struct problem_doc *doc, const char *more, struct buf *out)
{
    struct buf text = { 0 };

    problem_write(doc, &text);
    buf_printf(out,
               "HTTP/1.1 %d Refused\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sConnection: close\r\n\r\n",
               err_http(doc->err), text.len, more);
    buf_put(out, text.data, text.len);
    buf_free(&text);
}

/* What civetweb refuses by itself, before server_request: the same form, and the connection ends. */
static int server_refused(struct mg_connection *conn, int status, const char *message)
{
    static char refused;
    struct problem_doc doc = { .err = status == 413                   ? ERR_TOO_LARGE
                                      : status == 408                 ? ERR_TIMEOUT
                                      : status < 500 || status == 505 ? ERR_MALFORMED
                                                                      : ERR_INTERNAL,
                               .by = "front" };
    struct buf answer = { 0 };

    server_refusal(&doc, "", &answer);
    mg_disable_connection_keep_alive(conn);
    mg_set_user_connection_data(conn, &refused); /* server_closing need not answer again */
    mg_write(conn, answer.data, answer.len);
    buf_free(&answer);
    return 0;
}

/* One connection too many, before a byte of it was read. */
static void server_turn_away(void *ctx, struct buf *out)
{
    struct front *front = ctx;
    struct problem body = { .retry_after_ms = 1000 };
    struct problem_doc doc = { .err = ERR_BUSY, .by = "front", .body = &body };
    char detail[200];

    snprintf(detail, sizeof(detail),
             "As many connections are open as this front serves at a time: %" PRIu64
             " (front.threads). Try again in a moment.",
             front->settings->threads);
    body.detail = detail;
    front_count(front, FRONT_CONNECTIONS_REFUSED, 1);
    server_refusal(&doc, "Retry-After: 1\r\n", out);
}

/* civetweb takes a request whose target is no path for one to be passed on, and closes: `OPTIONS *` asks what the server
 * can, the rest (absolute form, CONNECT) is for a proxy. It tells us as it closes, and an answer can still be sent. */
static void server_closing(const struct mg_connection *conn)
{
    static const char able[] = "HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
                               "Connection: close\r\n\r\n";
    const struct mg_request_info *request = mg_get_request_info(conn);
    struct mg_connection *to = (struct mg_connection *)(uintptr_t)
        conn; /* its callback is const, its mg_write is not */

    if (!request || !request->request_uri || *request->request_uri == '/' || mg_get_user_connection_data(conn))
        return;
    if (strcmp(request->request_method, "OPTIONS") == 0 && strcmp(request->request_uri, "*") == 0)
        mg_write(to, able, sizeof(able) - 1);
    else
        server_refused(to, 400, "");
}

static void server_closed(const struct mg_connection *conn)
{
    struct front *front = mg_get_user_data(mg_get_context(conn));

    front_uncount(front, FRONT_CONNECTIONS);
    door_left();
}

static int server_inside(const struct mg_connection *conn, void **ret_data)
{
    front_count(mg_get_user_data(mg_get_context(conn)), FRONT_CONNECTIONS, 1);
    return 0;
}

/* On each thread of civetweb's: 0 takes the connections, 1 serves them. */
static atomic_uint server_workers;

static void *server_thread(const struct mg_context *http, int kind)
{
    if (kind == 0)
        door_here();
    else if (kind == 1)
        atomic_fetch_add(&server_workers, 1);
    return NULL;
}

static int server_message(const struct mg_connection *conn, const char *message)
{
    char text[200];

    log_line(LOG_AT_WARNING, "civetweb", "message=%s", log_quote(message, text, sizeof(text)));
    return 1;
}

/* ---- civetweb */

static bool server_has_room(const struct front *front)
{
    struct rlimit limit;
    rlim_t needed = 2 * front->settings->threads + SERVER_QUEUE + SERVER_FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    if (limit.rlim_cur < needed && limit.rlim_max >= needed) {
        limit.rlim_cur = needed;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= needed;
}

/* civetweb goes on with fewer workers than it was told where the system gives no more threads; a connection that no worker is
 * there for would wait for ever. False: they are not all there. */
static bool server_has_workers(uint64_t wanted)
{
    int64_t end = front_monotonic() + SERVER_START_MS;

    while (atomic_load(&server_workers) < wanted && front_monotonic() < end)
        nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
    return atomic_load(&server_workers) >= wanted;
}

int server_start(struct front *front, char error[static 256])
{
    const struct front_settings *s = front->settings;
    const struct mg_callbacks callbacks = { .begin_request = server_request,
                                            .http_error = server_refused,
                                            .connection_close = server_closing,
                                            .connection_closed = server_closed,
                                            .init_connection = server_inside,
                                            .init_thread = server_thread,
                                            .log_message = server_message };
    char listen[128], threads[24];
    bool edge = s->edge_secret && *s->edge_secret;
    const char *options[] = {
        "listening_ports",
        listen,
        "num_threads",
        threads,
        "decode_url",
        "no",
        "decode_query_string",
        "no",
        "enable_directory_listing",
        "no",
        "cgi_pattern",
        "",
        "ssi_pattern",
        "",
        "access_control_allow_origin",
        "",
        "access_control_allow_methods",
        "",
        "access_control_allow_headers",
        "",
        "max_request_size",
        "16384",
        "request_timeout_ms",
        "10000",
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        edge ? "60000" : "5000",
        "tcp_nodelay",
        "1",
        "linger_timeout_ms",
        "1000",
        "allow_sendfile_call",
        "no",
        "connection_queue",
        "128",
        "listen_backlog",
        "1024",
        NULL,
    };

    if (!server_has_room(front)) {
        snprintf(error, 256, "front.threads = %" PRIu64 " needs more open files than RLIMIT_NOFILE allows",
                 s->threads);
        return ERR_INVALID;
    }
    snprintf(listen, sizeof(listen), "%s:%" PRIu64, s->address, s->port);
    snprintf(threads, sizeof(threads), "%" PRIu64, s->threads);
    mg_init_library(0);
    atomic_store(&server_workers, 0);
    door_open((unsigned)s->threads, server_turn_away, front);
    front->http = mg_start(&callbacks, front, options);
    if (!front->http) {
        snprintf(error, 256, "cannot listen on %.127s: is the port taken?", listen);
        mg_exit_library();
        return ERR_UNAVAILABLE;
    }
    if (!server_has_workers(s->threads)) {
        snprintf(error, 256, "front.threads = %" PRIu64 ", but the system lets this process have only %u of them",
                 s->threads, atomic_load(&server_workers));
        atomic_store(&front->draining, true); /* mg_stop would wait for a thread that may not be there either */
        return ERR_INVALID;
    }
    return 0;
}

void server_stop(struct front *front, int64_t drain_ms)
{
    int64_t end = front_monotonic() + drain_ms;

    atomic_store(&front->draining, true);
    hub_stop(front->hub);
    uploads_stop(front->uploads);
    while (atomic_load(&front->counters[FRONT_IN_FLIGHT]) > 0 && front_monotonic() < end)
        nanosleep(&(struct timespec) { .tv_nsec = 10000000 }, NULL);
    mg_stop(front->http);
    mg_exit_library();
    door_close();
    front->http = NULL;
}
