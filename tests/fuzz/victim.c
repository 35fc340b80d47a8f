/* SPDX-License-Identifier: BSD-3-Clause */
/* The card under attack.  Python's call-outs are stubbed: a register it answers holds what was written, and of what it
 * does on a write only the resets are here.
 */
#include <stdio.h>

#include "victim.h"

#define TURNS 3
#define WORK_MAX (64 + 8192 + 64)     /* of one turn: a batch sent, the packet buffer drained, a batch received */
#define FRAMES_MAX 8
#define NS_PER_US 1000ull

struct card *card;
uint8_t *memory[2];

/* ---- a wire ------------------------------------------------------------------------------------------------------ */

static struct {
    uint8_t *data;                    /* exactly as long as the frame, so that a read beyond it is seen */
    uint32_t len_bytes, flags;
} waiting[FRAMES_MAX], given[FRAMES_MAX];
static uint32_t frames_waiting, frames_given;
static volatile uint64_t sent_sum;

static void frames_forget(void)
{
    while (frames_given)
        free(given[--frames_given].data);
    while (frames_waiting)
        free(waiting[--frames_waiting].data);
}

static uint32_t wire_send(struct port *port, const struct frame *frames, uint32_t n)
{
    (void)port;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t at = 0; at < frames[i].len_bytes; at++)
            sent_sum += frames[i].data[at];
    return n;
}

static uint32_t wire_recv(struct port *port, struct frame *frames, uint32_t n, const struct clock *clock)
{
    uint32_t got = 0;

    (void)port;
    (void)clock;
    while (frames_given)
        free(given[--frames_given].data);
    memcpy(given, waiting, sizeof(given));
    frames_given = frames_waiting;
    frames_waiting = 0;
    for (uint32_t i = 0; i < frames_given && got < n; i++) {
        uint32_t before = got;

        got = port_keep(port, frames, got, given[i].data, given[i].len_bytes);
        if (got > before)
            frames[before].flags = given[i].flags;
    }
    return got;
}

static const struct port_ops wire_ops = { .send = wire_send, .recv = wire_recv };
static struct port wire = { .ops = &wire_ops, .fd = -1, .carrier = 1, .link = 1 };

void victim_frame(struct input *in)
{
    uint32_t what = (uint32_t)take(in, 1), len_bytes = (uint32_t)take(in, 2) % (FRAME_MAX_BYTES + 2), kept;

    if (frames_waiting == FRAMES_MAX)
        return;
    kept = (what & 2) ? 64 : len_bytes;             /* the rest of a long frame may be zeros */
    if (len_bytes && kept > len_bytes)
        kept = len_bytes;
    waiting[frames_waiting].data = calloc(1, len_bytes ? len_bytes : 1);
    waiting[frames_waiting].len_bytes = len_bytes;
    waiting[frames_waiting].flags = (what & 1) ? FRAME_BAD_CRC : 0;
    take_bytes(in, waiting[frames_waiting++].data, kept < len_bytes ? kept : len_bytes);
}

/* ---- a card ------------------------------------------------------------------------------------------------------ */

static uint32_t py_read(void *self, uint32_t offset, uint32_t value)
{
    (void)self;
    (void)offset;
    return value;
}

static void py_write(void *self, uint32_t offset, uint32_t old, uint32_t now, uint32_t written)
{
    (void)self;
    (void)old;
    (void)now;
    if (offset == R_CTRL && (written & (CTRL_RST | CTRL_LRST)))
        function_reset(&card->pf, 1);
}

static int irq_send_stub(void *arg, uint32_t vector)
{
    (void)arg;
    return vector < 64 ? 0 : -1;
}

static int irq_line_stub(void *arg, int level)
{
    (void)arg;
    (void)level;
    return 0;
}

void victim_make(void)
{
    card = card_new();
    if (!card)
        abort();
    if (regfile_lay(&card->pf.regs, RULES, sizeof(RULES) / sizeof(RULES[0]), WORDS, sizeof(WORDS) / sizeof(WORDS[0])) !=
        sizeof(WORDS) / sizeof(WORDS[0]))
        abort();
    card->pf.regs.py_read = py_read;
    card->pf.regs.py_write = py_write;
    card->clock.now = clock_manual;
    card->clock.arg = &card->clock;
    card->pf.irq.send = irq_send_stub;
    card->pf.irq.line = irq_line_stub;
    card->port = &wire;
    for (int half = 0; half < 2; half++)
        memory[half] = malloc(HALF);
}

void victim_map(int half, int on)
{
    struct dma *dma = &card->pf.dma;
    uint64_t iova = IOVA + (uint64_t)half * HALF;

    dma_del(dma, iova, HALF);
    if (on)
        dma_add(dma, iova, HALF, memory[half], DMA_READ | DMA_WRITE);
}

/* A PCI reset, whose longest part, the walk over all rules, is done once and its result kept. */
static void registers_fresh(struct regfile *regs)
{
    static uint32_t *fresh;

    if (!fresh) {
        fresh = malloc(regs->bytes);
        function_reset(&card->pf, 0);
        memcpy(fresh, regs->word, regs->bytes);
    }
    memcpy(regs->word, fresh, regs->bytes);
    for (uint32_t i = 0; regs->shown && i < regs->shown_pages; i++)
        memcpy(&regs->shown[regs->shown_page[i] / 4], &regs->word[regs->shown_page[i] / 4], REG_PAGE_BYTES);
    card->pf.ops->reset(card, 0);
}

void victim_start(void)
{
    struct regfile *regs = &card->pf.regs;

    frames_forget();
    dma_del(&card->pf.dma, 0, UINT64_MAX);
    regs->shared = regs->off = 0;
    registers_fresh(regs);
    memset(&card->stalls, 0, sizeof(card->stalls));
    memset(&card->tx.stopped, 0, sizeof(card->tx.stopped));
    memset(&card->rx.stopped, 0, sizeof(card->rx.stopped));
    card->clock.manual_ns = 1000000000;
    card->turns = 0;
    for (int half = 0; half < 2; half++) {
        memset(memory[half], 0, HALF);
        victim_map(half, 1);
    }
    card->pf.dma.off = 0;
    card->pf.irq.level = 0;
    card->rx.link_up = 1;
    irq_set_kind(&card->pf.irq, IRQ_MSIX);
    reg_write(regs, R_DMATXCTL, DMATXCTL_TE | 0x81000000u);
    reg_write(regs, R_FCTRL, FCTRL_UPE | FCTRL_MPE | FCTRL_BAM);
    reg_write(regs, R_RXCTRL, RXCTRL_RXEN);
    reg_write(regs, R_EIMS, UINT32_MAX);
}

void victim_step(void)
{
    for (int turn = 0; turn < TURNS; turn++) {
        int work = card_step(card);

        if (work < 0 || work > WORK_MAX) {
            fprintf(stderr, "one turn did %d pieces of work, %d is the most\n", work, WORK_MAX);
            abort();
        }
    }
}

void victim_poke(uint64_t at, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, at++)
        memory[at % MEMORY_BYTES / HALF][at % HALF] = ((const uint8_t *)from)[i];
}

/* ---- what may be done to it -------------------------------------------------------------------------------------- */

static const uint16_t TAIL_PAGES[] = { 0x1000, 0x6000, 0x7000, 0xD000 };

static uint64_t place(struct input *in)
{
    uint64_t at = take(in, 2) * 2;

    return at < 0x1FFC0 ? IOVA + at : ~0ull - (0x1FFFF - at);   /* a few of them at the very top */
}

/* A ring as drivers set it up: place, length, head, then on, then the tail. */
static void ring(struct input *in, int rx)
{
    struct regfile *regs = &card->pf.regs;
    uint32_t queue = (uint32_t)take(in, 1) % 128, flags = (uint32_t)take(in, 1);
    uint64_t base = IOVA + take(in, 1) * 512;
    uint32_t len_bytes = (uint32_t)take(in, 2) * 8, head = (uint32_t)take(in, 1), tail = (uint32_t)take(in, 1);

    if (flags & 1)
        reg_write(regs, rx ? R_RXDCTL(queue) : R_TXDCTL(queue), 0);
    reg_write(regs, rx ? R_RDBAL(queue) : R_TDBAL(queue), (uint32_t)base);
    reg_write(regs, rx ? R_RDBAH(queue) : R_TDBAH(queue), (uint32_t)(base >> 32));
    reg_write(regs, rx ? R_RDLEN(queue) : R_TDLEN(queue), len_bytes);
    reg_write(regs, rx ? R_RDH(queue) : R_TDH(queue), head);
    reg_write(regs, rx ? R_RDT(queue) : R_TDT(queue), head);
    if (rx) {
        reg_write(regs, R_SRRCTL(queue), (uint32_t)take(in, 4));
    } else if (flags & 2) {
        uint64_t where = place(in);

        reg_write(regs, R_TDWBAH(queue), (uint32_t)(where >> 32));
        reg_write(regs, R_TDWBAL(queue), (uint32_t)where | TDWBAL_HEAD_WB_EN);
    }
    if (rx)
        reg_write(regs, R_RXDCTL(queue), RXDCTL_ENABLE | ((flags & 4) ? RXDCTL_VME : 0));
    else
        reg_write(regs, R_TXDCTL(queue), TXDCTL_ENABLE);
    reg_write(regs, rx ? R_RDT(queue) : R_TDT(queue), tail);
}

/* Descriptors whose addresses can be right, which 64 random bits never are. */
static void descriptors(struct input *in)
{
    uint64_t at = take(in, 2) * 16, n = 1 + take(in, 1) % 16;

    for (; n; n--, at += 16) {
        uint64_t desc[2];

        desc[0] = (take(in, 1) & 0x80) ? take(in, 8) : place(in);
        desc[1] = take(in, 8);
        victim_poke(at, desc, sizeof(desc));
    }
}

/* A context and one segmented packet that agree, but for what the input adds. */
static void segments(struct input *in)
{
    uint64_t at = take(in, 2) * 16, desc[4] = { 0 };
    uint32_t mac = (uint32_t)take(in, 1) & 0x7F, ip = (uint32_t)take(in, 1), l4 = (uint32_t)take(in, 1);
    uint32_t mss = (uint32_t)take(in, 2), flags = (uint32_t)take(in, 1), len_bytes = (uint32_t)take(in, 2);
    uint32_t payload = len_bytes - mac - ip - l4 + (uint32_t)(int32_t)(int8_t)take(in, 1);

    desc[0] = ip | mac << 9 | (uint64_t)0x123 << 16;
    desc[1] = TXD_CMD_DEXT | TXDADV_DTYP_CTXT | ((flags & 1) ? TXCTX1_IPV4 : 0) |
              (flags & 2 ? TXCTX1_L4T_TCP : TXCTX1_L4T_UDP) | (uint64_t)l4 << TXCTX1_L4LEN_SHIFT |
              (uint64_t)mss << TXCTX1_MSS_SHIFT;
    desc[2] = place(in);
    desc[3] = TXD_CMD_DEXT | TXDADV_DTYP_DATA | TXD_CMD_EOP | TXD_CMD_RS | len_bytes |
              (uint64_t)(payload & 0x3FFFF) << TXDADV_PAYLEN_SHIFT | ((flags & 4) ? TXD_CMD_VLE : 0) |
              ((flags & 8) ? 0 : TXDADV_DCMD_TSE) | ((flags & 16) ? TXDADV_POPTS_IXSM : 0) | ((flags & 32) ? TXDADV_POPTS_TXSM : 0);
    victim_poke(at, desc, sizeof(desc));
}

static void world(struct input *in)
{
    uint32_t what = (uint32_t)take(in, 1);

    switch (what % 16) {
    case 0:
    case 1: victim_map((int)what % 16, 0); break;
    case 2:
    case 3: victim_map((int)what % 16 - 2, 1); break;
    case 4: card->pf.dma.off |= DMA_OFF_MASTER; break;
    case 5: card->pf.dma.off = 0; break;
    case 6: card->rx.link_up ^= 1; break;
    case 7: function_reset(&card->pf, 0); break;
    case 8: function_reset(&card->pf, 1); break;
    case 9: irq_set_kind(&card->pf.irq, (int)(what / 16 % 4)); break;
    case 10: card->clock.manual_ns += take(in, 2) * NS_PER_US; break;
    case 11: intr_cause(&card->intr, (uint32_t)take(in, 4)); break;
    case 12:                          /* shared doorbells, once and for all; a later run starts with what is then there */
        if (!card->pf.regs.shown && tails_show(&card->tails, 0) < 0)
            abort();
        card->pf.regs.shared = 1;
        break;
    case 13: card->pf.regs.off ^= 1; break;
    case 14: reg_write(&card->pf.regs, R_HLREG0, reg_peek(&card->pf.regs, R_HLREG0) ^ HLREG0_LPBK); break;
    default: (void)reg_peek(&card->pf.regs, (uint32_t)take(in, 3)); break;
    }
}

void victim_act(struct input *in)
{
    struct regfile *regs = &card->pf.regs;
    uint32_t what = (uint32_t)take(in, 1);
    uint8_t bytes[256];

    switch (what % 16) {
    case 0: {
        uint32_t word = (uint32_t)take(in, 2) % (uint32_t)(sizeof(WORDS) / sizeof(WORDS[0]));
        reg_write(regs, WORDS[word].offset, (uint32_t)take(in, 4));
        break;
    }
    case 1: {
        uint64_t offset = take(in, 3), count = take(in, 1);
        memset(bytes, 0, sizeof(bytes));
        take_bytes(in, bytes, count);
        regfile_access(regs, bytes, count, offset, 1);
        break;
    }
    case 2: {
        uint64_t offset = take(in, 3), count = take(in, 1);
        regfile_access(regs, bytes, count, offset, 0);
        break;
    }
    case 3: ring(in, 0); break;
    case 4: ring(in, 1); break;
    case 5:
    case 6: descriptors(in); break;
    case 7: segments(in); break;
    case 8: {
        uint32_t queue = (uint32_t)take(in, 1) % 128, tail = (uint32_t)take(in, 2);
        reg_write(regs, what & 16 ? R_RDT(queue) : R_TDT(queue), tail);
        break;
    }
    case 9:
    case 10: victim_frame(in); break;
    case 11: {
        uint64_t at = take(in, 3);
        size_t count = take_bytes(in, bytes, take(in, 1));
        victim_poke(at, bytes, count);
        break;
    }
    case 12: world(in); break;
    case 13: {                        /* a plain store of a client that maps the tails, whatever the rules say */
        uint32_t at = TAIL_PAGES[what / 16 % 4] + (uint32_t)take(in, 2) % 1024 * 4, value = (uint32_t)take(in, 4);
        if (regs->shared)
            regs->shown[at / 4] = value;
        break;
    }
    default: victim_step(); break;
    }
}
