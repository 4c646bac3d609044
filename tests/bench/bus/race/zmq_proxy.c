/* libzmq's own zmq_proxy between clients and one worker: what a call through a broker costs at the least.
 * The proxy and the worker are processes of their own, as ours are. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/bus/race/driver.h"

struct proxy {
    void *zmq, *socket;
    pid_t proxy, worker;
};

static void *proxy_socket(void *zmq, int type, const char *endpoint, int bind)
{
    void *socket = zmq_socket(zmq, type);
    int none = 0;

    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if ((bind ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) < 0)
        race_fail("zmq_proxy: %s: %s", endpoint, zmq_strerror(zmq_errno()));
    return socket;
}

static pid_t proxy_fork(void)
{
    pid_t pid = fork();

    if (pid < 0)
        race_fail("no process");
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static void *proxy_open(const struct race *race)
{
    struct proxy *me = calloc(1, sizeof *me);
    char front[256], back[256], byte;

    if (!me)
        race_fail("no memory");
    snprintf(front, sizeof front, "ipc://%s-front", race->where);
    snprintf(back, sizeof back, "ipc://%s-back", race->where);
    me->proxy = proxy_fork();
    if (me->proxy == 0) {
        void *zmq = zmq_ctx_new();

        zmq_proxy(proxy_socket(zmq, ZMQ_ROUTER, front, 1), proxy_socket(zmq, ZMQ_DEALER, back, 1), NULL);
        _exit(0);
    }
    me->worker = proxy_fork();
    if (me->worker == 0) {
        void *socket = proxy_socket(zmq_ctx_new(), ZMQ_REP, back, 0);
        zmq_msg_t message;

        zmq_msg_init(&message);
        while (zmq_msg_recv(&message, socket, 0) >= 0)
            zmq_msg_send(&message, socket, 0);
        _exit(0);
    }
    me->zmq = zmq_ctx_new();
    me->socket = proxy_socket(me->zmq, ZMQ_DEALER, front, 0);
    zmq_send(me->socket, "", 0, ZMQ_SNDMORE); /* one call, so that all is connected */
    zmq_send(me->socket, "x", 1, 0);
    zmq_recv(me->socket, &byte, 0, 0);
    zmq_recv(me->socket, &byte, 1, 0);
    return me;
}

static void proxy_call(void *ctx, const struct race *race, uint64_t n)
{
    struct proxy *me = ctx;
    uint64_t sent = 0, answered = 0;
    char buffer[4096];

    while (answered < n) {
        for (; sent < n && sent - answered < race->window; sent++) {
            zmq_send(me->socket, "", 0, ZMQ_SNDMORE);
            zmq_send(me->socket, race->body, race->size, 0);
        }
        zmq_recv(me->socket, buffer, sizeof buffer, 0);
        if (zmq_recv(me->socket, buffer, sizeof buffer, 0) != (int)race->size)
            race_fail("zmq_proxy: an answer of another size");
        answered++;
    }
}

static void proxy_close(void *ctx)
{
    struct proxy *me = ctx;

    kill(me->worker, SIGKILL);
    kill(me->proxy, SIGKILL);
    waitpid(me->worker, NULL, 0);
    waitpid(me->proxy, NULL, 0);
    zmq_close(me->socket);
    zmq_ctx_term(me->zmq);
    free(me);
}

const struct driver driver_zmq_proxy = {
    .name = "zmq_proxy",
    .open = proxy_open,
    .call = proxy_call,
    .close = proxy_close,
};
