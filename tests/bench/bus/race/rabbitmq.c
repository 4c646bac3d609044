/* RabbitMQ, a quorum queue: persistent messages with publisher confirms; a consumer that acknowledges many at once. */
#include <stdlib.h>
#include <string.h>

#include <amqp.h>
#include <amqp_tcp_socket.h>

#include "tests/bench/bus/race/driver.h"

static void rabbitmq_must(amqp_rpc_reply_t reply, const char *what)
{
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        race_fail("rabbitmq: %s: %s", what,
                  reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? amqp_error_string2(reply.library_error)
                                                                      : "refused by the server");
}

static void *rabbitmq_open(const struct race *race)
{
    amqp_connection_state_t c = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(c);
    amqp_table_entry_t entry = { .key = amqp_cstring_bytes("x-queue-type") };
    amqp_table_t arguments = { 1, &entry };
    char host[64];
    int port = race_host(race->where, host);

    if (!socket || amqp_socket_open(socket, host, port))
        race_fail("rabbitmq: %s does not answer", race->where);
    rabbitmq_must(amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
    amqp_channel_open(c, 1);
    rabbitmq_must(amqp_get_rpc_reply(c), "channel");
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("quorum");
    amqp_queue_declare(c, 1, amqp_cstring_bytes("jobs"), 0, 1, 0, 0, arguments);
    rabbitmq_must(amqp_get_rpc_reply(c), "queue");
    return c;
}

/* How many more messages the next frame confirms. Each number is confirmed once, alone or with those below it. */
static uint64_t rabbitmq_confirmed(amqp_connection_state_t c, unsigned char *seen, uint64_t *low)
{
    amqp_basic_ack_t *ack;
    amqp_frame_t frame;
    uint64_t n = 0;

    amqp_maybe_release_buffers(c);
    if (amqp_simple_wait_frame(c, &frame) != AMQP_STATUS_OK)
        race_fail("rabbitmq: the connection is lost");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
        race_fail("rabbitmq: a message was refused");
    ack = frame.payload.method.decoded;
    for (uint64_t tag = ack->multiple ? *low : ack->delivery_tag; tag <= ack->delivery_tag; tag++) {
        n += !seen[tag];
        seen[tag] = 1;
    }
    while (seen[*low])
        ++*low;
    return n;
}

static void rabbitmq_publish(void *ctx, const struct race *race, uint64_t n)
{
    amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2 };
    amqp_bytes_t body = { race->size, (void *)(uintptr_t)race->body };
    unsigned char *seen = calloc(n + 2, 1);
    uint64_t sent = 0, confirmed = 0, low = 1;

    if (!seen)
        race_fail("no memory");
    amqp_confirm_select(ctx, 1);
    rabbitmq_must(amqp_get_rpc_reply(ctx), "confirm");
    while (confirmed < n) {
        for (; sent < n && sent - confirmed < race->window; sent++)
            if (amqp_basic_publish(ctx, 1, amqp_cstring_bytes(""), amqp_cstring_bytes("jobs"), 0, 0, &properties,
                                   body))
                race_fail("rabbitmq: publish");
        confirmed += rabbitmq_confirmed(ctx, seen, &low);
    }
    free(seen);
}

static void rabbitmq_take(void *ctx, const struct race *race, uint64_t n)
{
    unsigned window = race->window < 60000 ? race->window : 60000;
    amqp_envelope_t envelope;

    amqp_basic_qos(ctx, 1, 0, (uint16_t)window, 0);
    rabbitmq_must(amqp_get_rpc_reply(ctx), "prefetch");
    amqp_basic_consume(ctx, 1, amqp_cstring_bytes("jobs"), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    rabbitmq_must(amqp_get_rpc_reply(ctx), "consume");
    for (uint64_t done = 1; done <= n; done++) {
        amqp_maybe_release_buffers(ctx);
        rabbitmq_must(amqp_consume_message(ctx, &envelope, NULL, 0), "take");
        if (done % ((window + 1) / 2) == 0 || done == n)
            amqp_basic_ack(ctx, 1, envelope.delivery_tag, 1);
        amqp_destroy_envelope(&envelope);
    }
}

static void rabbitmq_close(void *ctx)
{
    amqp_channel_close(ctx, 1, AMQP_REPLY_SUCCESS);
    amqp_connection_close(ctx, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(ctx);
}

const struct driver driver_rabbitmq = {
    .name = "rabbitmq",
    .open = rabbitmq_open,
    .publish = rabbitmq_publish,
    .take = rabbitmq_take,
    .close = rabbitmq_close,
};
