/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-frames on their way between the card and its port. */
#include <stdint.h>
#include "regs.h"
#include "machine/clock.h"
#include "machine/eth.h"
#include "machine/toeplitz.h"
#include "machine/trace.h"
#include "machine/dma.h"
#include "machine/irq.h"
#include "machine/stall.h"
#include "machine/regfile.h"
#include "machine/parse.h"
#include "machine/wire/port.h"
#include "machine/super.h"
#include "machine/faults.h"
#include "machine/function.h"
#include "i82599/chip.h"
#include "i82599/pass.h"
#include "i82599/intr/intr.h"
#include "i82599/filters/filters.h"
#include "i82599/rss/rss.h"
#include "i82599/fdir/fdir.h"
#include "i82599/rx/rx.h"
#include "i82599/stats/stats.h"
#include "i82599/tx/tx.h"
#include "i82599/flow/flow.h"
#include "i82599/time/timesync.h"
#include "i82599/tails/tails.h"
#include "i82599/virt/virt.h"
#include "i82599/vf/vf.h"
#include "i82599/card.h"

/* Only what goes straight to the wire, and only to a port that also fills in checksums. */
uint32_t card_supers(struct card *card)
{
    uint32_t caps = card->port && card->rx.link_up ? port_caps(card->port) : 0;

    if (!(caps & PORT_CSUM) || (card->tx.pools && card_has_pools(card)) || card->flow.kept || (reg(&card->pf.regs, R_HLREG0) & HLREG0_LPBK))
        return 0;
    return caps & (PORT_TCP4 | PORT_TCP6 | PORT_UDP);
}
