/* report.h - what the machine says of itself, to the host that opens its channel: one frame an item, once.
 *
 *   identifier 0x7F2, 8 bytes: kind, number, 0, 0, value (32 bits, low byte first)
 *
 *   kind 0   health, by number of board_health_t
 *   kind 1   identity: 0 build, 1 layout, 2 calibration in use, 3 number of items in this report
 *   kind 2   memory: 0 what was found at start (store_result_t), 1 faults 0 to 31 ever, 2 crashes ever, 3 writing failed,
 *            4 faults 32 to 63 ever
 *   kind 3   last crash, words of board_crash(); only while there is one that was not told yet
 *
 * It is the least urgent of all identifiers, no message of the vehicle bus, and no part of a stepped run.
 */
#ifndef REPORT_H
#define REPORT_H

#include "link.h"
#include "vcu.h"

#define REPORT_ID 0x7F2U

/* Call it often: it sees that the channel was opened since, and sends as much as there is room for. */
void report_serve(const link_t *link, const vcu_t *vcu, ring_t *to_host);

#endif
