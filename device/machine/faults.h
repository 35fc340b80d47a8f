/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults that C itself carries out; the others are Python's (faults.py).  A fault is injected on purpose. */

struct wire_faults {                  /* on the wire, for frames that come in; 0: not at all */
    uint32_t lose_every;              /* this many: the last of them never arrives */
    uint32_t damage_every;            /* this many: the last of them arrives with a wrong FCS */
    uint64_t seen;                    /* frames since one of these was set */
    uint64_t lost, damaged;
};

uint32_t wire_faults_in(struct wire_faults *faults, struct frame *frames, uint32_t n); /* how many are left, in order */
