/* coolant_peers.h - does the coolant probe agree with its peers?
 *
 * A wire that breaks is seen in the sample itself (temperature.h). A probe that has come loose, hangs in an air pocket
 * or whose electronics have frozen gives samples that are plausible one by one. Its peers speak against it:
 *   outlet   the radiator's outlet cannot stay hotter than its inlet
 *   oil      warm oil beside cold coolant: coolant warms first
 *   frozen   not one bit of change while outlet or oil move by kelvins
 */
#ifndef COOLANT_PEERS_H
#define COOLANT_PEERS_H

#include "calibration.h"
#include "inputs.h"

/* Codes of coolant_peers_t.verdict. */
typedef enum {
    COOLANT_PEERS_AGREE = 0,
    COOLANT_PEERS_OUTLET,
    COOLANT_PEERS_OIL,
    COOLANT_PEERS_FROZEN
} coolant_peers_verdict_t;

typedef struct {
    float    coolant_degC; /* last sample */
    float    hidden_K; /* the coolant may be hotter than its probe says by this: so much hotter is the outlet, or has it
                            * become since the probe last changed */
    float    low_degC[2]; /* lowest and highest of outlet and oil since the coolant last changed */
    float    high_degC[2];
    uint32_t frozen_ticks; /* since the coolant last changed */
    uint16_t outlet_ticks; /* the outlet has been hotter for this long */
    uint16_t oil_ticks; /* the oil has been too hot beside it for this long */
    uint8_t  verdict; /* coolant_peers_verdict_t */
    uint8_t  reserved[3];
} coolant_peers_t;
_Static_assert(sizeof(coolant_peers_t) == 36U, "coolant_peers_t: hidden padding");

void coolant_peers_init(coolant_peers_t *peers);

/* One period of the raster. */
void coolant_peers_tick(coolant_peers_t *peers, const vcu_calibration_t *cal, const inputs_t *inputs);

#endif
