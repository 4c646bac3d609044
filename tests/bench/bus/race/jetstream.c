/* NATS JetStream: publishes asynchronously with a bound; a pull consumer that fetches and acknowledges. */
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "tests/bench/bus/race/driver.h"

struct jetstream {
    natsConnection *connection;
    jsCtx *js;
};

static void jetstream_must(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        race_fail("jetstream: %s: %s", what, natsStatus_GetText(status));
}

static void *jetstream_open(const struct race *race)
{
    struct jetstream *me = calloc(1, sizeof *me);
    char url[128] = "nats://";
    const char *subjects[] = { "jobs" };
    jsStreamConfig config;
    jsOptions options;
    jsErrCode code = 0;

    if (!me)
        race_fail("no memory");
    strncat(url, race->where, sizeof url - 8);
    jetstream_must(natsConnection_ConnectTo(&me->connection, url), "connect");
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = race->window;
    options.PublishAsync.StallWait = 60000;
    options.Wait = 60000;
    jetstream_must(natsConnection_JetStream(&me->js, me->connection, &options), "context");
    jsStreamConfig_Init(&config);
    config.Name = "jobs";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    config.Retention = js_WorkQueuePolicy;
    js_AddStream(NULL, me->js, &config, NULL, &code); /* refused when it is there */
    return me;
}

static void jetstream_publish(void *ctx, const struct race *race, uint64_t n)
{
    struct jetstream *me = ctx;

    for (uint64_t i = 0; i < n; i++)
        jetstream_must(js_PublishAsync(me->js, "jobs", race->body, (int)race->size, NULL), "publish");
    jetstream_must(js_PublishAsyncComplete(me->js, NULL), "confirm");
}

static void jetstream_take(void *ctx, const struct race *race, uint64_t n)
{
    struct jetstream *me = ctx;
    natsSubscription *sub = NULL;
    jsErrCode code = 0;

    jetstream_must(js_PullSubscribe(&sub, me->js, "jobs", "workers", NULL, NULL, &code), "subscribe");
    for (uint64_t done = 0; done < n;) {
        uint64_t want = n - done < race->window ? n - done : race->window;
        natsMsgList list;

        jetstream_must(natsSubscription_Fetch(&list, sub, (int)want, 10000, &code), "fetch");
        for (int i = 0; i < list.Count; i++)
            jetstream_must(natsMsg_Ack(list.Msgs[i], NULL), "acknowledge");
        done += (uint64_t)list.Count;
        natsMsgList_Destroy(&list);
    }
    jetstream_must(natsConnection_FlushTimeout(me->connection, 60000), "flush");
    natsSubscription_Destroy(sub);
}

static void jetstream_close(void *ctx)
{
    struct jetstream *me = ctx;

    jsCtx_Destroy(me->js);
    natsConnection_Destroy(me->connection);
    nats_Close();
    free(me);
}

const struct driver driver_jetstream = {
    .name = "jetstream",
    .open = jetstream_open,
    .publish = jetstream_publish,
    .take = jetstream_take,
    .close = jetstream_close,
};
