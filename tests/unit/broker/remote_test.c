/* Peers of other hosts: who gets in, who does not, and that the refused move nothing. */
#include "tests/unit/broker/live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The table with one row; role NULL: without rows. */
static void table_write(const struct live *live, const char *role, const char *key)
{
    struct curve_row row = { .name = "attic", .made_ms = 1 };
    struct curve_table table = { &row, role ? 1 : 0 };
    char path[100], error[256];

    if (role) {
        snprintf(row.role, sizeof row.role, "%s", role);
        snprintf(row.key, sizeof row.key, "%s", key);
    }
    snprintf(path, sizeof path, "%s/keys/bus/peers", live->dir);
    assert_int_equal(curve_table_write(path, &table, error), 0);
}

/* Somebody of this host who sees every session that begins. */
static struct peer *watcher(struct live *live)
{
    struct peer *peer = live_join(live, "reader", 0);

    bus_watch(peer->bus, "$sys.peers");
    live_until(live, peer_seen(peer, SEEN_VALUE, 0)); /* itself */
    return peer;
}

/* What a second peer of this host does is seen by the first, and nothing else was before it. */
static void nothing_moved(struct live *live, struct peer *seer)
{
    uint64_t before = seer->counted[SEEN_VALUE];
    struct peer *probe = live_join(live, "web", 0);

    live_until(live, seer->counted[SEEN_VALUE] > before && peer_seen(probe, SEEN_UP, 0));
    assert_int_equal(seer->counted[SEEN_VALUE], before + 1);
    assert_memory_equal(peer_seen(seer, SEEN_VALUE, before)->key, "web/", 4);
    live_leave(probe);
    live_until(live, seer->counted[SEEN_VALUE] == before + 2);
}

static void answer_price(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_REQUEST)
        bus_reply(peer->bus, seen->number, bytes_of_text("7"));
}

static void a_known_key_offers_and_calls_over_tcp_beside_those_of_this_host(void **state)
{
    static const struct bus_head head;
    struct live *live = *state;
    struct peer *shop = live_join(live, "shop", 1), *worker, *seer = watcher(live);
    struct curve_pair pair;
    char large[3000];
    uint64_t cid;

    memset(large, 'x', sizeof large);
    assert_int_equal(curve_make(&pair), 0);
    table_write(live, "worker", pair.public_key);
    worker = live_join_remote(live, "worker", NULL, pair.secret_key);
    shop->answer = worker->answer = answer_price;
    bus_offer(shop->bus, "shop", 4, true);
    bus_offer(worker->bus, "worker", 1, false);
    live_until(live, peer_seen(worker, SEEN_UP, 0) && seer->counted[SEEN_VALUE] >= 4);
    assert_int_equal(bus_call(worker->bus, "shop.price", &head, bytes_of(large, sizeof large), 5000, &cid), 0);
    assert_int_equal(bus_call(shop->bus, "worker.lift", &head, bytes_of(large, sizeof large), 5000, &cid), 0);
    live_until(live, peer_seen(worker, SEEN_REPLY, 0) && peer_seen(shop, SEEN_REPLY, 0));
    assert_int_equal(peer_seen(worker, SEEN_REPLY, 0)->err, 0);
    assert_int_equal(peer_seen(shop, SEEN_REPLY, 0)->err, 0);
    assert_string_equal(peer_seen(shop, SEEN_REQUEST, 0)->from, "worker");
    assert_int_equal(peer_seen(shop, SEEN_REQUEST, 0)->size, sizeof large);
}

static void an_unknown_key_is_refused_and_a_table_that_cannot_be_read_knows_nobody(void **state)
{
    static const char *const tables[] = { NULL, "", "kinobus-peers 2\n",
                                          "kinobus-peers 1\nworker attic short 1\n" };
    struct live *live = *state;
    struct peer *seer = watcher(live);
    struct curve_pair pair;
    char text[300];

    for (size_t i = 0; i < 5; i++) {
        struct peer *peer;

        assert_int_equal(curve_make(&pair), 0);
        if (i == 4) /* the same key twice: nobody can say whose it is */
            snprintf(text, sizeof text, "kinobus-peers 1\nworker a %s 1\nreader b %s 1\n", pair.public_key,
                     pair.public_key);
        if (i == 4 || tables[i])
            live_write(live, "keys/bus/peers", i == 4 ? text : tables[i], 0644);
        peer = live_join_remote(live, "worker", NULL, pair.secret_key);
        live_until(live, peer_seen(peer, SEEN_DOWN, 0));
        assert_int_equal(peer_seen(peer, SEEN_DOWN, 0)->err, ERR_FORBIDDEN);
        assert_null(peer_seen(peer, SEEN_UP, 0));
        assert_int_equal(zap_refused(live->broker->zap), i + 1);
        live_leave(peer);
    }
    nothing_moved(live, seer);
}

static void a_key_is_good_for_its_own_role_only(void **state)
{
    struct live *live = *state;
    struct peer *peer, *seer = watcher(live);
    struct curve_pair pair;

    assert_int_equal(curve_make(&pair), 0);
    table_write(live, "worker", pair.public_key);
    peer = live_join_remote(live, "cli", NULL, pair.secret_key);
    live_until(live, peer_seen(peer, SEEN_DOWN, 0));
    assert_int_equal(peer_seen(peer, SEEN_DOWN, 0)->err, ERR_FORBIDDEN);
    assert_null(peer_seen(peer, SEEN_UP, 0));
    nothing_moved(live, seer);
}

static void a_revoked_key_loses_its_session_and_the_others_keep_theirs(void **state)
{
    struct live *live = *state;
    struct peer *peer, *again, *seer = watcher(live);
    struct curve_pair pair;

    assert_int_equal(curve_make(&pair), 0);
    table_write(live, "worker", pair.public_key);
    peer = live_join_remote(live, "worker", NULL, pair.secret_key);
    live_until(live, peer_seen(peer, SEEN_UP, 0));
    table_write(live, "reader", pair.public_key); /* another role is another identity */
    live_until(live, peer_seen(peer, SEEN_DOWN, 0));
    assert_int_equal(peer_seen(peer, SEEN_DOWN, 0)->err, ERR_FORBIDDEN);
    again = live_join_remote(live, "reader", NULL, pair.secret_key);
    live_until(live, peer_seen(again, SEEN_UP, 0));
    table_write(live, NULL, NULL);
    live_until(live, peer_seen(again, SEEN_DOWN, 0));
    assert_int_equal(peer_seen(again, SEEN_DOWN, 0)->err, ERR_FORBIDDEN);
    live_until(live, seer->counted[SEEN_VALUE] == 5); /* itself, and two that came and went */
    nothing_moved(live, seer);
}

static void a_broker_with_another_key_is_not_talked_to(void **state)
{
    struct live *live = *state;
    struct peer *peer, *seer = watcher(live);
    struct curve_pair pair, other;

    assert_int_equal(curve_make(&pair), 0);
    assert_int_equal(curve_make(&other), 0);
    table_write(live, "worker", pair.public_key);
    peer = live_join_remote(live, "worker", other.public_key, pair.secret_key);
    live_until(live, peer_seen(peer, SEEN_UNREACHABLE, 1));
    assert_null(peer_seen(peer, SEEN_UP, 0));
    nothing_moved(live, seer);
}

static void keys_go_with_tcp_and_tcp_goes_with_keys(void **state)
{
    struct curve_pair pair;
    struct bus_options options = { .endpoint = "tcp://127.0.0.1:9", .name = "worker" };
    static const struct bus_events events;
    struct bus *bus;

    (void)state;
    assert_int_equal(bus_new(&options, &events, NULL, &bus), ERR_INVALID);
    assert_int_equal(curve_make(&pair), 0);
    options.server_key = pair.public_key;
    assert_int_equal(bus_new(&options, &events, NULL, &bus), ERR_INVALID);
    options.secret_key = "short";
    assert_int_equal(bus_new(&options, &events, NULL, &bus), ERR_INVALID);
    options.secret_key = pair.secret_key;
    options.endpoint = "ipc:///nowhere";
    assert_int_equal(bus_new(&options, &events, NULL, &bus), ERR_INVALID);
}

/* ---- who does not speak our language */

static int raw_connect(const struct live *live)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)atoi(strrchr(live->broker->listening, ':') + 1));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The broker hangs up, whatever it was told, at the latest when the time for greetings is over. */
static void raw_end(int fd)
{
    struct pollfd poll_fd = { fd, POLLIN, 0 };
    char answer[4096];
    ssize_t n = 1;

    while (n > 0 && poll(&poll_fd, 1, PATIENCE_MS) == 1)
        n = recv(fd, answer, sizeof answer, 0);
    assert_true(n <= 0);
    close(fd);
}

static void bytes_that_are_no_greeting_are_hung_up_on(void **state)
{
    static const uint8_t zmtp3_null[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L' };
    static const uint8_t zmtp2[14] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0 };
    static const uint8_t zmtp3_curve_junk[64 + 10] = { 0xff, 0, 0, 0,   0,   0,   0,   0,  1,
                                                       0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E' };
    uint8_t noise[5000];
    const struct bytes said[5] = { bytes_of_text("GET / HTTP/1.1\r\nHost: bus\r\n\r\n"),
                                   bytes_of(noise, sizeof noise), bytes_of(zmtp2, sizeof zmtp2),
                                   bytes_of(zmtp3_null, sizeof zmtp3_null),
                                   bytes_of(zmtp3_curve_junk, sizeof zmtp3_curve_junk) };
    int fds[5];
    struct live *live = *state;
    struct peer *seer = watcher(live);

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < 5; i++) {
        fds[i] = raw_connect(live);
        assert_int_equal(send(fds[i], said[i].data, said[i].len, MSG_NOSIGNAL), (ssize_t)said[i].len);
    }
    for (size_t i = 0; i < 5; i++)
        raw_end(fds[i]);
    nothing_moved(live, seer);
}

static void clients_with_another_mechanism_say_nothing_to_the_broker(void **state)
{
    struct live *live = *state;
    struct peer *seer = watcher(live);
    void *zmq = zmq_ctx_new();

    for (int plain = 0; plain < 2; plain++) {
        void *socket = zmq_socket(zmq, ZMQ_DEALER), *monitor = zmq_socket(zmq, ZMQ_PAIR);
        char name[40], event[64];
        int none = 0, wait = 10000;

        zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &wait, sizeof wait);
        snprintf(name, sizeof name, "inproc://mechanism-%d", plain);
        if (plain) {
            zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "worker", 6);
            zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "0123456789abcdef0123456789abcdef", 32);
        }
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
        assert_int_equal(zmq_socket_monitor(socket, name,
                                            ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED |
                                                ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                                ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
                         0);
        assert_int_equal(zmq_connect(monitor, name), 0);
        assert_int_equal(zmq_connect(socket, live->broker->listening), 0);
        assert_true(zmq_recv(monitor, event, sizeof event, 0) >= 2);
        assert_int_not_equal(*(uint16_t *)(void *)event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        zmq_socket_monitor(socket, NULL, 0); /* or what it still has to tell blocks it for ever */
        zmq_close(monitor);
        zmq_close(socket);
    }
    zmq_ctx_term(zmq);
    nothing_moved(live, seer);
}

/* With a good key, but by hand. */
static void *known_socket(const struct live *live, void *zmq, const struct curve_pair *pair)
{
    char path[100], server[CURVE_KEY + 1], error[256];
    void *socket = zmq_socket(zmq, ZMQ_DEALER);
    int none = 0, wait = 10000;

    snprintf(path, sizeof path, "%s/keys/bus/broker.pub", live->dir);
    assert_int_equal(curve_read_key(path, false, server, error), 0);
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, sizeof server);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->public_key, sizeof pair->public_key);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->secret_key, sizeof pair->secret_key);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(zmq_connect(socket, live->broker->listening), 0);
    return socket;
}

static void known_says(void *socket, const struct frame *frame, const struct frame_head *head)
{
    struct buf a = { 0 };
    bool in_first;

    frame_build(&a, frame, head, (struct bytes) { 0 }, &in_first);
    assert_int_equal(zmq_send(socket, a.data, a.len, 0), (int)a.len);
    buf_free(&a);
}

static unsigned known_hears(void *socket, enum frame_command command)
{
    uint8_t data[4096];
    int n = zmq_recv(socket, data, sizeof data, 0);
    struct bytes head, body;
    struct frame frame;

    assert_true(n > 0 && frame_parse(bytes_of(data, (size_t)n), &frame, &head, &body) == 0);
    assert_int_equal(frame.command, command);
    return frame.code;
}

static void a_known_peer_that_breaks_the_rules_loses_its_session_alone(void **state)
{
    struct live *live = *state;
    struct peer *seer = watcher(live);
    struct curve_pair pair;
    struct id instance = live_id("byhand");
    struct frame hello = { .command = FRAME_HELLO, .code = FRAME_VERSION };
    struct frame_head head = { .topic = bytes_of_text("worker"), .instance = frame_of_id(&instance) };
    void *zmq = zmq_ctx_new(), *socket;

    assert_int_equal(curve_make(&pair), 0);
    table_write(live, "worker", pair.public_key);
    socket = known_socket(live, zmq, &pair);
    known_says(socket, &(struct frame) { .command = FRAME_PING }, NULL); /* before it was greeted */
    assert_int_equal(known_hears(socket, FRAME_ERROR), 401);
    hello.code = 99;
    known_says(socket, &hello, &head);
    assert_int_not_equal(known_hears(socket, FRAME_ERROR), 200);
    hello.code = FRAME_VERSION;
    /* A hundred parts, each a routing id with a message behind it: one message, refused as one. */
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            zmq_send(socket, i % 2 ? "\xb5\x01" : "\0\0\0\0\1", i % 2 ? 2 : 5, i < 99 ? ZMQ_SNDMORE : 0),
            i % 2 ? 2 : 5);
    known_says(socket, &hello, &head);
    known_hears(socket, FRAME_WELCOME);
    live_until(live, seer->counted[SEEN_VALUE] == 2);
    assert_int_equal(zmq_send(socket, "\xb5garbage", 8, 0), 8);
    live_until(live, seer->counted[SEEN_VALUE] == 3);
    assert_true(peer_seen(seer, SEEN_VALUE, 2)->flag); /* gone */
    zmq_close(socket);
    zmq_ctx_term(zmq);
    nothing_moved(live, seer);
}

static void nobody_ends_the_session_of_another_role_by_saying_its_instance(void **state)
{
    struct live *live = *state;
    struct curve_pair pair;
    struct peer *shop = live_join(live, "shop", 1), *seer = watcher(live);
    struct id store = live_id("shop"), instance = live_id("liar");
    struct frame hello = { .command = FRAME_HELLO, .code = FRAME_VERSION };
    struct frame_head head = { .topic = bytes_of_text("worker"),
                               .instance = frame_of_id(&instance),
                               .store = frame_of_id(&store),
                               .epoch = 9 };
    void *zmq = zmq_ctx_new(), *socket;

    assert_int_equal(curve_make(&pair), 0);
    table_write(live, "worker", pair.public_key);
    live_until(live, peer_seen(shop, SEEN_UP, 0) && seer->counted[SEEN_VALUE] == 2);
    socket = known_socket(live, zmq, &pair);
    known_says(socket, &hello, &head); /* shop's own store, opened later, says the worker */
    assert_int_equal(known_hears(socket, FRAME_ERROR), 409);
    zmq_close(socket);
    zmq_ctx_term(zmq);
    nothing_moved(live, seer);
    assert_null(peer_seen(shop, SEEN_DOWN, 0));
}

/* ---- without sockets */

static struct route said_to[8];
static unsigned said_n, said_code;

static void note_outgoing(struct broker *b, struct session *to, struct bytes a, struct bytes body)
{
    struct frame frame;
    struct bytes head, in_first;

    (void)b;
    (void)body;
    assert_int_equal(frame_parse(a, &frame, &head, &in_first), 0);
    said_to[said_n++ % 8] = to->route;
    said_code = frame.code;
}

static void take(struct broker *b, enum transport_kind transport, const struct frame *frame,
                 const struct frame_head *head)
{
    struct buf packed = { 0 };
    zmq_msg_t a;
    bool in_first;

    frame_build(&packed, frame, head, (struct bytes) { 0 }, &in_first);
    zmq_msg_init_size(&a, packed.len);
    memcpy(zmq_msg_data(&a), packed.data, packed.len);
    broker_take(b, transport, bytes_of("\0\1\2\3\4", 5), &a, NULL);
    zmq_msg_close(&a);
    buf_free(&packed);
}

static void the_same_routing_id_on_two_sockets_is_two_peers_and_no_key_is_no_entry(void **state)
{
    struct live *live = *state;
    struct broker *b;
    char error[256], keys[100], acl[100], other[80];
    const char *policies[] = { acl, NULL };
    struct broker_options options = { .state = other,
                                      .keys = keys,
                                      .policies = policies,
                                      .map_size = 64 * 1024 * 1024,
                                      .any_filesystem = true,
                                      .no_socket = true,
                                      .no_thread = true };
    struct id instance = live_id("one");
    struct frame hello = { .command = FRAME_HELLO, .code = FRAME_VERSION };
    struct frame_head head = { .topic = bytes_of_text("web"),
                               .instance = frame_of_id(&instance),
                               .secret = bytes_of_text("0123456789abcdef0123456789abcdef") };

    snprintf(keys, sizeof keys, "%s/keys", live->dir);
    snprintf(acl, sizeof acl, "%s/policy", live->dir);
    snprintf(other, sizeof other, "%s/second", live->dir);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(broker_new(&options, &b, error), 0);
    b->outgoing = note_outgoing;
    take(b, TRANSPORT_LOCAL, &hello, &head);
    assert_int_equal(b->sessions.n, 1);
    assert_int_equal(said_to[0].transport, TRANSPORT_LOCAL);
    b->stranger_ms = b->now_ms - 1000;
    said_n = 0;
    take(b, TRANSPORT_REMOTE, &(struct frame) { .command = FRAME_BYE }, NULL);
    assert_int_equal(said_code, 401);
    assert_int_equal(said_to[0].transport, TRANSPORT_REMOTE);
    take(b, TRANSPORT_REMOTE, &hello, &head); /* the role's secret is no key */
    assert_int_equal(said_code, 403);
    broker_settle(b);
    assert_int_equal(b->sessions.n, 1);
    broker_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_known_key_offers_and_calls_over_tcp_beside_those_of_this_host,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(an_unknown_key_is_refused_and_a_table_that_cannot_be_read_knows_nobody,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(a_key_is_good_for_its_own_role_only, live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(a_revoked_key_loses_its_session_and_the_others_keep_theirs,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(a_broker_with_another_key_is_not_talked_to, live_setup_remote,
                                        live_teardown),
        cmocka_unit_test(keys_go_with_tcp_and_tcp_goes_with_keys),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_greeting_are_hung_up_on, live_setup_remote,
                                        live_teardown),
        cmocka_unit_test_setup_teardown(clients_with_another_mechanism_say_nothing_to_the_broker,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(a_known_peer_that_breaks_the_rules_loses_its_session_alone,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(nobody_ends_the_session_of_another_role_by_saying_its_instance,
                                        live_setup_remote, live_teardown),
        cmocka_unit_test_setup_teardown(the_same_routing_id_on_two_sockets_is_two_peers_and_no_key_is_no_entry,
                                        live_setup_remote, live_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
