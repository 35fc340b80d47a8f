/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: vfio-user messages with their descriptors, through the library and our glue, to the same card.
 *
 * Client and server share this thread: the client sends, the server takes turns until it has nothing to do, the client
 * reads whatever came back.  The handshake is the server's own (device/serve/csrc), over a real socket.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "glue.h"
#include "victim.h"

#define MESSAGES_MAX 64
#define TURNS_MAX 200
#define BODY_MAX 2048
#define FDS_MAX 8
#define LATE_LOOKS 20000              /* 100 µs apart */
#define CONFIG_BYTES 4096
#define FILE_BYTES HALF
#define FILES 6

static struct vdev *v;
static char path[64];
static uint8_t config[CONFIG_BYTES];
static int files[FILES];

/* ---- the server's side ------------------------------------------------------------------------------------------- */

static int64_t config_access(void *arg, uint8_t *buf, uint64_t count, uint64_t offset, int is_write)
{
    (void)arg;
    if (offset > CONFIG_BYTES || count > CONFIG_BYTES - offset)
        return -EINVAL;
    if (!is_write) {
        memcpy(buf, config + offset, count);
        return (int64_t)count;
    }
    memcpy(config + offset, buf, count);
    if (offset <= 4 && offset + count > 4)
        card->pf.dma.off = config[4] & 4 ? 0 : DMA_OFF_MASTER;
    if (offset <= 0x72 && offset + count > 0x73)
        irq_set_kind(&card->pf.irq, config[0x73] & 0x80 ? IRQ_MSIX : IRQ_INTX);
    return (int64_t)count;
}

static int on_reset(void *self, int kind)
{
    (void)self;
    (void)kind;
    function_reset(&card->pf, 0);
    return 0;
}

static void on_client(void *self, int attached)
{
    (void)self;
    (void)attached;
}

static void on_irqs(void *self, int armed)
{
    (void)self;
    irq_set_kind(&card->pf.irq, armed);
}

static void on_log(void *self, int level, const char *text)
{
    (void)self;
    (void)level;
    for (const char *at = text; *at; at++)
        ;                             /* it is a string */
}

static void need(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(-rc));
        abort();
    }
}

static void socket_away(void)
{
    unlink(path);
}

static void server_make(void)
{
    const struct vdev_area tails[] = { { 0x1000, 0x1000 }, { 0x6000, 0x2000 }, { 0xD000, 0x1000 } };

    snprintf(path, sizeof(path), "fuzz-%d.sock", (int)getpid());    /* where we were started: some run side by side */
    unlink(path);
    atexit(socket_away);
    v = vdev_new();
    v->region[0].access = regfile_access;
    v->region[0].arg = &card->pf.regs;
    v->region[2].access = vdev_io_access;
    v->region[4].access = vdev_msix_access;
    v->region[2].arg = v->region[4].arg = v;
    v->region[VDEV_CONFIG].access = config_access;
    v->dma = &card->pf.dma;
    v->dma_add = dma_add;
    v->dma_del = dma_del;
    v->on_reset = on_reset;
    v->on_client = on_client;
    v->on_irqs = on_irqs;
    v->on_log = on_log;
    need(tails_show(&card->tails, 0), "tails");
    need(vdev_open(v, path, 7), "open");
    need(vdev_add_region(v, 0, CARD_BAR0_BYTES, VDEV_READ | VDEV_WRITE | VDEV_MEM, tails, 3,
                         card->pf.regs.shown_fd), "BAR0");
    need(vdev_add_region(v, 2, 32, VDEV_READ | VDEV_WRITE, NULL, 0, -1), "BAR2");
    need(vdev_add_region(v, 4, VDEV_MSIX_BYTES, VDEV_READ | VDEV_WRITE | VDEV_MEM, NULL, 0, -1), "BAR4");
    need(vdev_add_region(v, VDEV_CONFIG, CONFIG_BYTES, VDEV_READ | VDEV_WRITE | VDEV_ALWAYS_CB, NULL, 0, -1), "config");
    need(vdev_realize(v, 1, VDEV_VECTORS), "realize");
    card->pf.irq.send = vdev_irq_send;
    card->pf.irq.line = vdev_intx_level;
    card->pf.irq.arg = v;
}

static void server_run(void)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        int rc = vdev_run(v);

        need(rc, "vdev_run");
        if (rc == 0)
            return;
    }
}

/* ---- the client's side ------------------------------------------------------------------------------------------- */

/* What a client may pass: memory whole, short, empty; things that are no memory; an eventfd. */
static void files_make(void)
{
    int pipes[2];

    files[0] = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    files[1] = memfd_create("short", MFD_CLOEXEC);
    files[2] = memfd_create("empty", MFD_CLOEXEC);
    files[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
    files[4] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0 || ftruncate(files[0], FILE_BYTES) < 0 || ftruncate(files[1], 100) < 0 ||
        fcntl(files[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        abort();
    files[5] = pipes[1];
    close(pipes[0]);
    free(memory[0]);                  /* what the client has in its memory, the acts of victim.c put there */
    memory[0] = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, files[0], 0);
    if (memory[0] == MAP_FAILED)
        abort();
}

static int client_connect(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(at.sun_path, path, sizeof(path));
    if (sock < 0 || connect(sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
        perror("connect");
        abort();
    }
    return sock;
}

struct header {
    uint16_t id, command;
    uint32_t size, flags, error;
};

static void client_send(int sock, const struct header *header, const void *body, size_t body_bytes, const int *fds, size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    } control = { 0 };
    struct iovec iov[2] = { { (void *)(uintptr_t)header, sizeof(*header) }, { (void *)(uintptr_t)body, body_bytes } };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

    if (n) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int) * n);
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, sizeof(int) * n);
    }
    (void)sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Whatever came back, and the descriptors in it. */
static void client_drain(int sock)
{
    static uint8_t data[65536];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 64)];
    } control;

    for (int n = 0; n < 1000; n++) {
        struct iovec iov = { data, sizeof(data) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
        ssize_t got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (got <= 0)
            return;
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
            int fds[64];
            size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

            if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
                continue;
            memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
            for (size_t i = 0; i < count; i++)
                close(fds[i]);
        }
    }
}

static size_t put(uint8_t *body, size_t at, uint64_t value, size_t bytes)
{
    memcpy(body + at, &value, bytes);
    return at + bytes;
}

/* A body that has its command's shape: then every field of it is the input's. */
static size_t shaped(struct input *in, uint32_t command, uint8_t *body)
{
    size_t at = 0;

    switch (command) {
    case 2: /* DMA_MAP: argsz, flags, offset, address, size */
        at = put(body, at, 32, 4);
        at = put(body, at, take(in, 1), 4);
        at = put(body, at, take(in, 1) * 0x1000, 8);
        at = put(body, at, IOVA + take(in, 2) * 0x1000, 8);
        return put(body, at, take(in, 1) * 0x1000, 8);
    case 3: /* DMA_UNMAP: argsz, flags, address, size */
        at = put(body, at, 24, 4);
        at = put(body, at, take(in, 1), 4);
        at = put(body, at, IOVA + take(in, 2) * 0x1000, 8);
        return put(body, at, take(in, 1) * 0x1000, 8);
    case 5: /* REGION_INFO: argsz, flags, index, cap offset, size, offset */
        at = put(body, at, take(in, 1), 4);
        at = put(body, at, 0, 4);
        at = put(body, at, take(in, 1), 4);
        return put(body, at + 4, take(in, 4), 8) + 8;
    case 8: /* SET_IRQS: argsz, flags, index, start, count, data */
        at = put(body, at, 20 + take(in, 1), 4);
        at = put(body, at, take(in, 1), 4);
        at = put(body, at, take(in, 1) % 6, 4);
        at = put(body, at, take(in, 1), 4);
        at = put(body, at, take(in, 1), 4);
        return at + take_bytes(in, body + at, take(in, 1) % 65);
    case 9: /* REGION_READ, REGION_WRITE: offset, region, count, data */
    case 10: {
        uint64_t count;

        at = put(body, at, take(in, 3), 8);
        at = put(body, at, take(in, 1) % 10, 4);
        count = take(in, 1);
        at = put(body, at, count, 4);
        return command == 10 ? at + take_bytes(in, body + at, count) : at;
    }
    default: return take_bytes(in, body, take(in, 1));
    }
}

static void hello(int sock)
{
    static const char text[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8}}";
    struct header header = { .command = 1, .size = sizeof(header) + sizeof(text) };

    client_send(sock, &header, text, sizeof(text), NULL, 0);
}

/* One message: its command, its flags, its descriptors, a body of the right shape or none. */
static void message(struct input *in, int sock)
{
    uint8_t what = (uint8_t)take(in, 1), body[BODY_MAX] = { 0 };
    uint32_t command = (uint32_t)take(in, 1) % 18, fds_wanted = what >> 4 & 7;
    struct header header = { .id = 1, .command = (uint16_t)command, .flags = what & 1 ? 0x10 : 0 };
    int fds[FDS_MAX];
    size_t bytes;

    for (uint32_t i = 0; i < fds_wanted; i++)
        fds[i] = files[take(in, 1) % FILES];
    bytes = what & 8 ? take_bytes(in, body, take(in, 2) % BODY_MAX) : shaped(in, command, body);
    header.size = (uint32_t)(sizeof(header) + bytes);
    if ((what & 6) == 6) {            /* a header that lies */
        header.size = (uint32_t)take(in, 4);
        header.flags = (uint32_t)take(in, 4);
    }
    client_send(sock, &header, body, bytes, fds, fds_wanted);
    if ((what & 6) == 6)
        (void)shutdown(sock, SHUT_WR);              /* no more can be told apart, and the server need not wait for it */
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    need(folder == NULL ? -errno : 0, "/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = { data, bytes };
    int sock, before;

    if (!card) {
        (void)signal(SIGPIPE, SIG_IGN);             /* as Python has it: a client may call a pipe an eventfd */
        victim_make();
        files_make();
        server_make();
    }
    victim_start();
    dma_del(&card->pf.dma, 0, UINT64_MAX);          /* memory is what the client maps */
    memset(config, 0, sizeof(config));
    config[4] = 6;
    before = descriptors();
    sock = client_connect();
    if (!(bytes && data[0] == 0xFF))  /* else the first message had better be a handshake itself */
        hello(sock);
    for (int n = 0; n < MESSAGES_MAX && in.left; n++) {
        uint8_t what = (uint8_t)take(&in, 1);

        if (what & 0x80)
            message(&in, sock);
        else if (what & 0x40)
            victim_frame(&in);
        else if (what & 0x20)
            victim_act(&in);
        else
            victim_step();
        if (what & 1)
            server_run();
    }
    shutdown(sock, SHUT_WR);
    server_run();
    victim_step();
    client_drain(sock);
    close(sock);
    server_run();
    if (v->conn_fd != -1) {
        vdev_drop(v);
        server_run();
    }
    for (int left = LATE_LOOKS; descriptors() != before; left--) {    /* what came from the client goes with it */
        if (left == 0) {
            fprintf(stderr, "descriptors: %d before the client, %d after it\n", before, descriptors());
            abort();
        }
        usleep(100);                  /* a thread may be closing them */
    }
    return 0;
}
