/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of one function: storage, access rules, and who else looks at an access.
 *
 * The rules come from the tables in device/regs by way of device/machine/regfile.py; nothing here knows a register.
 * Rules and aliases are kept by pages of 4 KiB, and only for pages in which a register is declared, so that a BAR may be
 * large and mostly empty.  The storage is memory as long as the BAR, of which only touched pages exist.
 *
 * Some pages may be shown to clients, who map them and store there as they like.  What is shown is a copy, in a file of
 * its own that nobody can resize: the device believes only its storage.  A word that differs from it is a store that was
 * not noticed yet; reg_take() makes it a write as any other, by the register's rule, and puts right what is shown.
 */

#define REG_PAGE_WORDS 1024
#define REG_PAGE_BYTES 4096
#define REG_RULES_MAX 2048        /* distinct access rules of one function */
#define REG_HOOKS_MAX 16
#define REG_HOOK_NONE 0
#define REG_SHOWN_MAX 8

#define RULE_KNOWN 1              /* declared */
#define RULE_PY_READ 2            /* call py_read before answering */
#define RULE_PY_WRITE 4           /* call py_write after the rule is applied */
#define RULE_KEEP 8               /* survives a software reset, not a PCI reset or FLR */
#define RULE_TRACE 16             /* report every access through py_trace */
#define RULE_FAULT 32             /* a fault reaches it: ask py_fault what becomes of the access */

#define REG_OFF_PCI 1             /* PCI does not decode the BAR */
#define REG_OFF_GONE 2            /* a fault: the function has left the bus */
#define REG_OFF_REFUSED 4         /* a fault: memory decoding cannot be switched on */
#define REG_OFF_ABSENT 8          /* a virtual function that is not enabled */
#define REG_OFF_MSE 16            /* the same of its memory: SR-IOV's VF MSE */

#define FAULT_LOST 0x100000000    /* py_fault's answer: the write does not reach the register */

struct reg_rule {                 /* what a register does when touched: one rule per distinct behaviour */
    uint32_t reset;               /* value after reset */
    uint32_t rw;                  /* bits a write replaces */
    uint32_t w1c;                 /* bits that writing 1 clears */
    uint32_t w1s;                 /* bits that writing 1 sets */
    uint32_t rc;                  /* bits a read clears */
    uint32_t wo;                  /* bits that read as 0 (write-only, self-clearing); a hook sees them in `seen` */
    uint32_t none;                /* bits that no field has and that read as 0: who writes 1 is told so */
    uint16_t hook;                /* which of the hooks below */
    uint16_t flags;               /* RULE_* */
};

/* A C block's part in the accesses to its registers; what is NULL it has no part in.
 *   read     computes what a read gives (and does what reading does)
 *   peek     the same without any effect of looking
 *   write    old and seen: the value before, and the value after the rule was applied plus the write-only bits written
 *   changed  the value is another one, by a client's write or by the device's own hand: what was made of it is stale
 *   quiet    no frame takes another way after a write to these registers, or `write` counts those after which one may
 *            (regfile.changes) itself */
struct reg_hook {
    uint32_t (*read)(void *block, uint32_t offset);
    uint32_t (*peek)(void *block, uint32_t offset);
    void (*write)(void *block, uint32_t offset, uint32_t old, uint32_t seen, uint32_t written);
    void (*changed)(void *block);
    void *block;
    uint32_t quiet;
};

struct reg_page {
    uint16_t rule[REG_PAGE_WORDS];            /* index into rule[], for aliases too; 0: no register */
    uint32_t canonical[REG_PAGE_WORDS];       /* offset of the word that an alias stands for; its own otherwise */
};

struct reg_place {                /* a word at which a register answers */
    uint32_t offset;
    uint32_t canonical;           /* where it is stored: `offset` itself, or, for an alias, the register's own place */
    uint32_t rule;
};

struct reg_count {
    uint64_t reg_reads, reg_writes, reg_unknown;
};

struct guard;
struct regfile {
    uint32_t *word;               /* storage at canonical offsets */
    uint32_t *shown;              /* what clients map, at the same offsets; only the shown pages mean anything.  NULL: none */
    int shown_fd;
    uint64_t shown_bytes;
    uint32_t shown_page[REG_SHOWN_MAX];       /* offsets of the pages */
    uint32_t shown_pages;
    uint32_t shown_gone;          /* how often that memory went away under us; stores of then are lost */
    struct guard *guard;
    int off;                      /* REG_OFF_*: reasons why reads give all ones and writes are lost */
    int shared;                   /* clients map the shown pages: what they store there is noticed late */
    int in_py;                    /* depth of calls into Python */
    uint64_t bytes;               /* of the BAR */
    struct reg_page **page;
    struct reg_rule rule[REG_RULES_MAX];
    struct reg_hook hook[REG_HOOKS_MAX];
    uint32_t changes;             /* grows when frames may take another way: what was worked out before is stale */
    struct reg_count count;
    struct trace *trace;          /* where every access is noted; NULL: nowhere */
    const struct clock *clock;
    uint64_t hold_ns;             /* a fault: whoever carries the answer to this access keeps it so long; then 0 again */

    void *self;                   /* Python's handle, and C's calls out to it */
    uint32_t (*py_read)(void *self, uint32_t offset, uint32_t value);      /* returns what the client sees */
    void (*py_write)(void *self, uint32_t offset, uint32_t old, uint32_t now, uint32_t written);
    void (*py_trace)(void *self, uint32_t offset, uint32_t value, int is_write);
    void (*py_unknown)(void *self, uint32_t offset, uint32_t value, int is_write);
    void (*py_none)(void *self, uint32_t offset, uint32_t written);        /* a write sets bits of `none` */
    uint64_t (*py_fault)(void *self, uint32_t offset, uint32_t value, int is_write); /* the value instead, or FAULT_LOST */
};

int regfile_init(struct regfile *regs, uint64_t bytes, const struct clock *clock);  /* 0 or -errno */
void regfile_free(struct regfile *regs);
int regfile_place(struct regfile *regs, uint32_t offset, uint32_t rule);            /* this rule there; 0 or -errno */
/* All rules, and the words they are at.  Returns how many words: fewer than n where regfile_place would fail; or -errno. */
int64_t regfile_lay(struct regfile *regs, const struct reg_rule *rule, uint32_t rules, const struct reg_place *place, uint32_t n);
void regfile_load(struct regfile *regs, int keep);      /* words := reset values; keep: spare RULE_KEEP */

uint32_t reg_read(struct regfile *regs, uint32_t offset);                 /* one aligned dword, as the client sees it */
void reg_write(struct regfile *regs, uint32_t offset, uint32_t value);
uint32_t reg_peek(struct regfile *regs, uint32_t offset);                 /* the value, without any effect of looking */
void reg_put(struct regfile *regs, uint32_t offset, uint32_t value);      /* the device's own hand: no rule, no `write` */
int regfile_show(struct regfile *regs, const uint32_t *page, uint32_t n); /* pages at these offsets; 0 or -errno */
int reg_take(struct regfile *regs, uint32_t offset);      /* of a shown page: a store there is a write now; 1 if it changed anything */
int64_t regfile_access(void *regs, uint8_t *buf, uint64_t count, uint64_t offset, int is_write); /* any width; count or -errno */
